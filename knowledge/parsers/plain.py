"""Bytes to text, and plain text files."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline, row_lines
from knowledge.types import Parsed

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
GUESSES = ["gb18030", "big5", "utf_16_le", "utf_16_be", "cp1252"]
STRANGE = 0.02  # share of control, private-use or unassigned characters: the guess was wrong
BULLET = re.compile(r"\s*(?:[-*•·●▪◦]|\d{1,3}[.)、]|[(（]\d{1,3}[)）])\s*\S")
COLUMN_GAP = re.compile(r" {2,}|\u3000+")


def decode(data: bytes, name: str) -> str:
    """The text of a file: by its byte order mark, as UTF-8, else as the likeliest legacy coding.

    Raises UnreadableFile when nothing gives sensible text.
    """
    for mark, coding in BOMS:
        if data.startswith(mark):
            return _sane(_try(data[len(mark) :], coding), name)
    text = _try(data, "utf-8")
    if text is None or looks_utf16(data):
        text = _guess(data)
    return _sane(text, name)


def looks_utf16(data: bytes) -> bool:
    """Mostly Latin text without a mark, where every other byte is NUL."""
    nul = max(data[0:4096:2].count(0), data[1:4096:2].count(0))
    return nul > 0.4 * min(len(data), 4096) / 2


def _try(data: bytes, coding: str) -> str | None:
    try:
        return data.decode(coding)
    except UnicodeDecodeError:
        return None


def _guess(data: bytes) -> str | None:
    """GB18030 first where it gives common Chinese, else what charset-normalizer finds."""
    if looks_utf16(data):
        return _try(data, "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be")
    chinese = _try(data, "gb18030")
    if chinese is not None:
        wide = [c for c in chinese if c > "\x7f"]
        common = sum("\u4e00" <= c <= "\u9fa5" or c in "，。！？；：、（）“”《》" for c in wide)
        # Of the two-byte area, level 1 (frequent characters) is B0–D7: legacy text is mostly there.
        frequent = sum(0xB0 <= c.encode("gb18030")[0] <= 0xD7 for c in wide)
        if wide and common > 0.9 * len(wide) and frequent > 0.6 * len(wide):
            return chinese
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=GUESSES).best()
    return str(best) if best is not None else None


def _sane(text: str | None, name: str) -> str:
    strange = sum(
        1
        for c in text or ""
        if unicodedata.category(c) in {"Cc", "Co", "Cn"} and c not in "\t\r\n\f"
    )
    if text is None or strange > max(STRANGE * len(text), 2):
        raise UnreadableFile(
            f"{name}: the text is in no known encoding. Save the file as UTF-8 and add it again."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")


def parse(path: Path) -> Parsed:
    """Paragraphs are parted by empty lines; a short line alone that is no sentence is a heading."""
    text = decode(path.read_bytes(), path.name).expandtabs(4)
    paragraphs = [
        lines
        for part in re.split(r"\n[ \u3000]*\n", text)
        if (lines := [line.strip() for line in part.splitlines() if line.strip()])
    ]
    outline = Outline()
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
