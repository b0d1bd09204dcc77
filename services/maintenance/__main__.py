"""`python -m services.maintenance`"""

from shared.starting import start

if __name__ == "__main__":
    start("services.maintenance.app")
