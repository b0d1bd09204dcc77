"""Whom encrypted connections trust."""

import ssl
from pathlib import Path

import pytest

from postroom.tls import authorities_for, system_authorities, trusted_authorities
from postroom.wire.errors import ConfigurationError


@pytest.mark.parametrize("ca_file", [None, ""])
def test_without_a_file_they_trust_the_system_and_it_is_read_once(ca_file: str | None) -> None:
    assert trusted_authorities(ca_file, "EMAIL_CA_FILE") is system_authorities()


def test_a_file_that_is_absent_or_no_certificate_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a certificate")

    for name in ("absent", "text"):
        with pytest.raises(ConfigurationError, match=f"^EMAIL_CA_FILE: .*{name} has no usable certificates"):
            trusted_authorities(tmp_path / name, "EMAIL_CA_FILE")


def test_who_never_speaks_https_reads_no_authorities_and_trusts_nobody() -> None:
    assert authorities_for("https://example.com") is system_authorities()

    without = authorities_for("http://127.0.0.1:15672")
    assert without.get_ca_certs() == []
    assert (without.verify_mode, without.check_hostname) == (ssl.CERT_REQUIRED, True)
