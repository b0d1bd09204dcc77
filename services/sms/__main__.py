"""`python -m services.sms`"""

from services.sms.app import main

if __name__ == "__main__":
    main()
