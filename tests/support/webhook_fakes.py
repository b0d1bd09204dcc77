"""Fakes and builders for the webhook service. The recording caller passes the suite of the real one."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from postroom.wire.errors import JobError
from postroom_webhook.caller import HttpRequest, HttpResponse
from postroom_webhook.networks import Address


class RecordingCaller:
    """Keeps what it is asked to call; answers as told, at last with 200."""

    def __init__(self, *answers: HttpResponse | JobError) -> None:
        self.calls: list[HttpRequest] = []
        self.answers = list(answers)

    async def call(self, call: HttpRequest) -> HttpResponse:
        """See Caller."""
        self.calls.append(call)
        answer = self.answers.pop(0) if self.answers else HttpResponse(200, body=b"ok")
        if isinstance(answer, JobError):
            raise answer
        return answer


class ScriptedResolver:
    """A name server whose answers differ from one lookup to the next; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def resolve(self, host: str) -> Sequence[Address]:
        """See Resolver."""
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not answer:
            raise OSError("name or service not known")
        return [ipaddress.ip_address(each) for each in answer]


def server_tls(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate for `name`, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain
