"""The health URLs of this machine's services: written by what starts them, read by commands."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from postroom.tls import authorities_for

FILE = "services.json"


@contextmanager
def health_urls_written(data_dir: Path, health: Mapping[str, str]) -> Iterator[None]:
    """Write the health URL of each service to the data folder; removed at the end of the block."""
    path = data_dir / FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(f".{os.getpid()}")
    whole.write_text(json.dumps(health, indent=2) + "\n", encoding="utf-8")
    whole.replace(path)  # whoever reads it meanwhile reads the old one or the new one, whole
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_health_urls(data_dir: Path) -> dict[str, str]:
    """The health URLs by service; none where no service was started here."""
    try:
        found = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(url) for name, url in found.items()} if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Health:
    """What a process says of itself at `/readyz`.

    Attributes:
        service: its service, or what a process with several is called.
        is_ready: whether it works. `problems`: what hinders it, by name.
        outages: of the providers that are away, by service.
    """

    service: str
    url: str
    is_ready: bool
    problems: Mapping[str, str]
    outages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def ask_health(service: str, url: str, *, seconds: float = 3) -> Health:
    """Ask one process. One that does not answer is not ready."""
    base = url.rstrip("/").removesuffix("/readyz")
    try:
        answer = httpx.get(f"{base}/readyz", timeout=seconds, verify=authorities_for(base), trust_env=False).json()
        return Health(service, base, answer["status"] == "ok", answer["problems"], _outages(service, answer))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        return Health(service, base, False, {"health": f"does not answer ({type(error).__name__})"})


def _outages(service: str, answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = answer.get("outages") or ({service: answer["outage"]} if "outage" in answer else {})
    return {name: dict(outage) for name, outage in found.items()}


def read_gauge(url: str, name: str, label: str, *, seconds: float = 3) -> dict[str, float]:
    """A gauge of a service's `/metrics`, by one of its labels; empty where it does not answer."""
    # A twentieth of a second, which is not needed to ask for health.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        text = httpx.get(f"{url}/metrics", timeout=seconds, verify=authorities_for(url), trust_env=False).text
        families = list(text_string_to_metric_families(text))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return {}
    return {
        sample.labels[label]: sample.value for family in families if family.name == name for sample in family.samples
    }
