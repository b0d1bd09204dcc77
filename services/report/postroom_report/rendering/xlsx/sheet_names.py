"""Names of sheets, as spreadsheets allow them."""

import re

_REFUSED = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_LONGEST = 31  # counted in UTF-16


class SheetNames:
    """Gives each sheet of a workbook a name of its own."""

    def __init__(self) -> None:
        self._taken = {"history"}  # Excel keeps it for itself

    def name(self, title: str) -> str:
        """A name like `title`, and with a number if that is taken."""
        plain = " ".join(_REFUSED.sub(" ", title).split()).strip("'") or "Report"
        number, found = 1, _cut(plain, _LONGEST)
        while found.lower() in self._taken:
            number += 1
            ending = f" ({number})"
            found = _cut(plain, _LONGEST - len(ending)) + ending
        self._taken.add(found.lower())
        return found


def _cut(text: str, units: int) -> str:
    cut = text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")
    return cut.strip(" '") or "Report"
