"""`python -m services.webhook`"""

from shared.starting import start

if __name__ == "__main__":
    start("services.webhook.app")
