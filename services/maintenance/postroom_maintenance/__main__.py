"""`python -m services.maintenance`"""

from postroom.runtime.starting import start

if __name__ == "__main__":
    start("services.maintenance.app")
