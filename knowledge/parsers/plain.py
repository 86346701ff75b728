"""Plain text files."""

from __future__ import annotations

import re
from pathlib import Path

from knowledge.parsers.encoding import decode
from knowledge.parsers.outline import Outline, row_lines
from knowledge.types import Parsed

BULLET = re.compile(r"\s*(?:[-*•·●▪◦]|\d{1,3}[.)、]|[(（]\d{1,3}[)）])\s*\S")
COLUMN_GAP = re.compile(r" {2,}|\u3000+")


def parse(path: Path) -> Parsed:
    """Paragraphs are parted by empty lines; a short line alone that is no sentence is a heading."""
    decoded = decode(path.read_bytes(), path.name)
    text = decoded.text.expandtabs(4)
    paragraphs = [
        lines
        for part in re.split(r"\n[ \u3000]*\n", text)
        if (lines := [line.strip() for line in part.splitlines() if line.strip()])
    ]
    outline = Outline()
    outline.warnings += decoded.warnings
    for number, lines in enumerate(paragraphs):
        last = number == len(paragraphs) - 1
        _paragraph(outline, lines, first=number == 0 and not last, last=last)
    return outline.parsed(path.stem)


def _paragraph(outline: Outline, lines: list[str], first: bool, last: bool) -> None:
    if len(lines) > 1 and (level := _underlined(lines[1])):
        outline.heading(level, lines[0])
        lines = lines[2:]
    elif (first or (len(lines) == 1 and not last)) and _is_heading(lines[0]):
        outline.heading(1 if first else 2, lines[0])
        lines = lines[1:]
    table = _table(lines)
    if table:
        outline.add("\n".join(table), "table")
        return
    prose: list[str] = []
    items: list[str] = []
    for line in lines:
        (items if BULLET.match(line) or items else prose).append(line)
    if prose:
        outline.add("\n".join(prose) if _short_lines(prose) else join_lines(prose))
    if items:
        outline.add("\n".join(items), "list")


def _is_heading(line: str) -> bool:
    return len(line) <= 60 and line[-1] not in "。.!！;；,，:：" and not BULLET.match(line)


def _underlined(line: str) -> int:
    """1 for a line of =, 2 for a line of -, else 0."""
    return 1 if re.fullmatch(r"={3,}", line) else 2 if re.fullmatch(r"-{3,}", line) else 0


def _table(lines: list[str]) -> list[str]:
    """Rows of columns that blanks align: the first is the header, but not of two columns."""
    rows = [COLUMN_GAP.split(line) for line in lines]
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return []
    if len(rows[0]) == 2:
        return [f"{name}: {value}" for name, value in rows]
    return row_lines(rows[0], rows[1:])


def _short_lines(lines: list[str]) -> bool:
    """Lines of an address or a list rather than a wrapped paragraph."""
    ended = sum(line[-1] in "。.!！?？;；:：" for line in lines)
    return max(len(line) for line in lines) < 40 or ended == len(lines)


def join_lines(lines: list[str]) -> str:
    """Wrapped lines as one: a blank between Latin words, nothing between Chinese characters."""
    text = ""
    for line in lines:
        wide = bool(text) and text[-1] > "\u2e7f" and line[:1] > "\u2e7f"
        text += ("" if wide or not text else " ") + line
    return text
