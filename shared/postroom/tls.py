"""Which certificate authorities a TLS connection trusts: those of the operating system, and those of a file."""

import ssl
from functools import cache
from pathlib import Path

from postroom.wire.errors import ConfigurationError


@cache
def system_authorities() -> ssl.SSLContext:
    """Verifies certificates and host names against the system's authorities; do not change it.

    One for the whole process: reading the authorities takes 30 ms of processor time, and a client that is given none
    reads some for itself, also where it will only ever speak plain HTTP.
    """
    return ssl.create_default_context()


def authorities_for(url: str) -> ssl.SSLContext:
    """For a client that only ever speaks to `url`: without https nothing is read, and nobody is trusted."""
    return system_authorities() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusted_authorities(ca_file: Path | str | None, setting: str) -> ssl.SSLContext:
    """Verifies against `ca_file` (PEM) as well as the system's authorities.

    Raises ConfigurationError, which begins with `setting`, when the file has no usable certificates.
    """
    if not ca_file:
        return system_authorities()
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"{setting}: {ca_file} has no usable certificates ({error.strerror})") from None
    return context
