"""`python -m services.email`"""

from services.email.app import main

if __name__ == "__main__":
    main()
