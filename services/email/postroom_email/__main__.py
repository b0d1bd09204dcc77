"""`python -m services.email`"""

from postroom.runtime.starting import start

if __name__ == "__main__":
    start("services.email.app")
