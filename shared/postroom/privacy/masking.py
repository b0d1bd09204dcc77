"""Masks addresses and phone numbers, for logs: who knows one recognises it, others learn nothing."""

import re

DOTS = "•••"

_ADDRESS = re.compile(r"[^\s@<>(),;:\"'\[\]]+@[^\s@<>(),;:\"'\[\]]+")
# `+49 151 1234567`, `0151/1234567`. Not part of a word, so that ids, times and fractions stay readable.
_PHONE = re.compile(r"(?<![\w.:-])(?:\+\d|0\d)[\d ()/-]{4,20}\d(?![\w-]|[.:]\d)")
_MASKED_PHONE = re.compile(r"\+?\d\d•{5}\d{3}")
_SHORTEST_PHONE = 7  # digits; less is a PIN or a count


def mask_address(address: str) -> str:
    """`ada@example.com` becomes `a•••@example.com`; a display name becomes dots too."""
    name, has_angle, rest = address.partition("<")
    if has_angle:
        return f"{DOTS if name.strip() else ''} <{mask_address(rest.rstrip('> '))}>".strip()
    local, at, domain = address.strip().rpartition("@")
    return f"{local[:1]}{DOTS}{at}{domain}" if at else DOTS


def mask_phone(number: str) -> str:
    """`+4915112345123` becomes `+49•••••123`: the country and the last three digits stay, also if masked again."""
    if _MASKED_PHONE.fullmatch(number):
        return number
    digits = re.sub(r"\D", "", number)
    if len(digits) < _SHORTEST_PHONE:
        return DOTS
    plus = "+" if number.lstrip().startswith("+") else ""
    return f"{plus}{digits[:2]}•••••{digits[-3:]}"


def mask_text(text: str) -> str:
    """`text` with every address and phone number in it masked. Masking twice changes nothing more."""
    if "@" in text:
        text = _ADDRESS.sub(lambda match: mask_address(match[0]), text)
    return _PHONE.sub(_mask_long_enough, text)


def _mask_long_enough(match: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in match[0])
    return mask_phone(match[0]) if digits >= _SHORTEST_PHONE else match[0]
