"""`python -m services.maintenance`"""

from services.maintenance.app import main

if __name__ == "__main__":
    main()
