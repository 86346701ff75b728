"""DOCX files, read with python-docx; and the checks that every OOXML file passes first."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline, row_lines
from knowledge.types import Parsed

MOST_ENTRIES = 2_000
MOST_BYTES = 200 << 20  # of all parts, unpacked
MOST_RATIO = 100  # unpacked to packed, of parts above SMALL_PART
SMALL_PART = 1 << 20
MOST_MAIN_BYTES = 20 << 20  # python-docx needs about 50 times as much memory
MAIN_PARTS = ("word/document.xml", "xl/sharedStrings.xml")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def check_package(path: Path) -> None:
    """Raise UnreadableFile for a damaged or oversized package, or one with a DOCTYPE."""
    try:
        with zipfile.ZipFile(path) as package:
            _check_sizes(path.name, package.infolist())
            for entry in package.infolist():
                if entry.filename.endswith((".xml", ".rels")):
                    _check_xml(path.name, package, entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableFile(f"{path.name}: the file is damaged ({error}).") from error


def _check_sizes(name: str, entries: list[zipfile.ZipInfo]) -> None:
    total = sum(entry.file_size for entry in entries)
    bloated = [
        entry
        for entry in entries
        if entry.file_size > SMALL_PART and entry.file_size > MOST_RATIO * entry.compress_size
    ]
    main = [e for e in entries if e.filename in MAIN_PARTS and e.file_size > MOST_MAIN_BYTES]
    if len(entries) > MOST_ENTRIES or total > MOST_BYTES or bloated or main:
        raise UnreadableFile(
            f"{name}: unpacked it has {len(entries)} parts and {total / 1e6:.0f} MB, more than is "
            "safe to read. Split it into smaller files."
        )


def _check_xml(name: str, package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with package.open(entry) as part:
        data = part.read(MOST_BYTES)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:64]:
        data = data.replace(b"\0", b"")  # UTF-16: only its ASCII matters here
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise UnreadableFile(
            f"{name}: it contains a document type declaration, which no office program writes. "
            "It may be an attack and was not read."
        )


def parse(path: Path) -> Parsed:
    """Headings, paragraphs, lists and tables of the body; hidden text is left out."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    check_package(path)
    try:
        document = docx.Document(str(path))
        reader = _Reader()
        for item in document.iter_inner_content():
            if isinstance(item, Table):
                reader.table(item)
            else:
                reader.paragraph(item)
        title = str(document.core_properties.title or "").strip() or path.stem
    except (PackageNotFoundError, KeyError, ValueError, AttributeError, SyntaxError) as error:
        # lxml's XMLSyntaxError is a SyntaxError; parts that are missing raise the others.
        raise UnreadableFile(f"{path.name}: the document is damaged ({error}).") from error
    return reader.parsed(title)


class _Reader:
    """Collects list items until the list ends."""

    def __init__(self) -> None:
        self._outline = Outline()
        self._items: list[str] = []
        self._number = 0
        self._hidden = 0

    def paragraph(self, paragraph: Any) -> None:
        text = self._text(paragraph)
        if not text:
            return
        style = (paragraph.style.name or "") if paragraph.style is not None else ""
        level = re.fullmatch(r"(?:heading|标题)\s*(\d)", style, re.IGNORECASE)
        if style.lower() == "title" or level:
            self._close()
            self._outline.heading(int(level[1]) if level else 0, text)
        elif self._is_item(paragraph, style):
            ordered = "number" in style.lower()
            self._number = self._number + 1 if ordered else 0
            self._items.append(f"{self._number}. {text}" if ordered else f"- {text}")
        else:
            self._close()
            self._outline.add(text)

    def table(self, table: Any) -> None:
        self._close()
        rows = []
        for row in table.rows:
            cells = list({id(cell._tc): cell for cell in row.cells}.values())  # merged: once
            rows.append([" ".join(self._text(p) for p in cell.paragraphs) for cell in cells])
        if len(rows) == 1:
            self._outline.add(" ".join(rows[0]))
        elif rows:
            self._outline.add("\n".join(row_lines(rows[0], rows[1:])), "table")

    def parsed(self, title: str) -> Parsed:
        self._close()
        if self._hidden:
            self._outline.warnings.append(f"{self._hidden} hidden pieces of text were left out.")
        return self._outline.parsed(title)

    def _close(self) -> None:
        self._outline.add("\n".join(self._items), "list")
        self._items, self._number = [], 0

    def _is_item(self, paragraph: Any, style: str) -> bool:
        return paragraph._p.find(f"{W}pPr/{W}numPr") is not None or style.lower().startswith("list")

    def _text(self, paragraph: Any) -> str:
        parts = []
        for run in paragraph._p.iter(f"{W}r"):
            hidden = run.find(f"{W}rPr/{W}vanish")
            text = "".join(
                node.text or "" if node.tag == f"{W}t" else " "
                for node in run
                if node.tag in (f"{W}t", f"{W}tab", f"{W}br", f"{W}cr")
            )
            if hidden is not None and hidden.get(f"{W}val") not in ("0", "false"):
                self._hidden += bool(text.strip())
            else:
                parts.append(text)
        return " ".join("".join(parts).split())
