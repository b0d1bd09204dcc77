"""`python -m services.webhook`"""

from services.webhook.app import main

if __name__ == "__main__":
    main()
