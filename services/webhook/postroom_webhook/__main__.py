"""`python -m services.webhook`"""

from postroom.runtime.starting import start

if __name__ == "__main__":
    start("services.webhook.app")
