"""`python -m services.sms`"""

from shared.starting import start

if __name__ == "__main__":
    start("services.sms.app")
