"""`python -m services.email`"""

from shared.starting import start

if __name__ == "__main__":
    start("services.email.app")
