"""Certificates for mail servers in tests: an authority of our own, made once per test run by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.missing import program
from tests.support.patience import PROCESS_STARTS, seconds


@dataclass(frozen=True)
class Certificates:
    """An authority's file, and server contexts with certificates it signed."""

    ca_file: Path
    folder: Path

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """A server-side context with a certificate for `name`, an IP address or a host name."""
        kind = "IP" if name.replace(".", "").isdigit() else "DNS"
        key, request, certificate, extensions = (
            self.folder / f"{name}.{part}" for part in ("key", "csr", "pem", "ext")
        )
        extensions.write_text(f"subjectAltName={kind}:{name}\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self.folder / "ca.key"),
            *("-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def make_certificates(folder: Path) -> Certificates:
    """A new authority in `folder`."""
    ca_file = folder / "ca.pem"
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test authority"),
        *("-keyout", folder / "ca.key", "-out", ca_file),
    )
    return Certificates(ca_file, folder)


def make_rsa_key(folder: Path) -> tuple[Path, str]:
    """An RSA key's PEM file, and its public half as it stands in DNS."""
    key = folder / "dkim.key"
    _openssl("genrsa", "-traditional", "-out", key, "2048")
    public = _openssl("rsa", "-in", key, "-pubout")
    return key, "".join(line for line in public.splitlines() if "-----" not in line)


def _openssl(*arguments: str | Path) -> str:
    done = subprocess.run(
        [program("openssl"), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds(PROCESS_STARTS),
    )
    return done.stdout
