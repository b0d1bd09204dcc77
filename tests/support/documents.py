"""Reads the project's documents: their code blocks, tables, links and headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED_BLOCK = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """All but the code blocks."""
        return _BLOCK.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        """The code blocks in these languages."""
        return [code for language, code in _BLOCK.findall(self.text) if language in languages]

    def files(self) -> dict[str, str]:
        """The code blocks that stand under a path, `services/chat/app.py`:, by path."""
        return dict(_NAMED_BLOCK.findall(self.text))

    def inline(self) -> list[str]:
        """What stands in single backticks, outside of blocks."""
        return _INLINE.findall(self.prose)

    def links(self) -> list[str]:
        """The targets of links."""
        return _LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        """What a link to this document may have after its `#`."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in _HEADING.findall(self.prose)}

    def rows(self, heading: str) -> list[list[str]]:
        """The rows of all tables under a heading, without markup around the cells, header rows left out."""
        _, _, rest = self.prose.partition(f"\n{heading}\n")
        assert rest, f"{self} has no heading {heading!r}"
        level = heading.partition(" ")[0]
        section = re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
        return list(_rows(section))


def _rows(section: str) -> Iterator[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if set(line) <= set("|- ") or (following and set(following) <= set("|- ")):
            continue
        yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def documents() -> list[Document]:
    """Every Markdown file of the project."""
    folders = [
        ROOT,
        *(folder for name in ("docs", "examples", "deploy", "bench") for folder in (ROOT / name).rglob("")),
    ]
    return [Document(path) for folder in sorted(set(folders)) for path in sorted(folder.glob("*.md"))]


def document(name: str) -> Document:
    """One of them, by its path."""
    return Document(ROOT / name)


def command_lines() -> list[tuple[Document, str]]:
    """Every line of a shell block, continued lines joined."""
    return [
        (each, line.strip())
        for each in documents()
        for block in each.blocks("sh")
        for line in _joined(block).splitlines()
        if line.strip()
    ]


def _joined(block: str) -> str:
    """Lines whose quotes are open at their end go on in the next one."""
    joined, is_open = "", False
    for line in block.splitlines():
        is_open ^= line.count("'") % 2 == 1
        joined += line + (" " if is_open else "\n")
    return joined
