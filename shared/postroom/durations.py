"""Lengths of time as people say them."""


def duration_in_words(seconds: float) -> str:
    """`340 ms`, `12 s`, `5 min 3 s`, `2 h 13 min`, `3 d 4 h`: two units at most."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    left, parts = round(seconds), list[str]()
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)
