"""Why a receipt is refused."""


class Untrusted(Exception):
    """The signature is missing or wrong: nothing of the request is believed. The text is for logs."""


class Unreadable(Exception):
    """It is signed, and no receipt can be read from it: sending it again would not help. The text is for logs."""
