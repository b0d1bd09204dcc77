"""`python -m services.audit`"""

from services.audit.app import main

if __name__ == "__main__":
    main()
