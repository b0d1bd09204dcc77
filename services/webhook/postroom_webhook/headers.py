"""Which headers a job may set, and what they may hold."""

import re
from collections.abc import Mapping

from postroom_webhook.errors import HeaderNotAllowed

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token of RFC 9110
_VALUE = re.compile(r"[\x20-\x7e\t]{0,8000}")  # without CR, LF and NUL: none can begin a header of its own
_OURS = frozenset(
    (
        *("host", "content-length", "accept-encoding", "expect"),
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),  # between two machines
        *("proxy-authenticate", "proxy-authorization", "proxy-connection"),
    )
)
_OUR_PREFIX = "webhook-"


def check_headers(headers: Mapping[str, str], field: str = "headers") -> None:
    """Raise HeaderNotAllowed, naming the header and never its value, for one that may not be sent."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise HeaderNotAllowed(f"{field}: a name may have letters, digits and -, and no spaces or line breaks")
        if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIX):
            raise HeaderNotAllowed(f"{field}.{name}: this header is set by Postroom alone")
        if not _VALUE.fullmatch(value):
            raise HeaderNotAllowed(f"{field}.{name}: only ASCII characters without CR, LF and NUL, at most 8000")
