"""`python -m services.sms`"""

from postroom.runtime.starting import start

if __name__ == "__main__":
    start("services.sms.app")
