"""DOCX files: opened with python-docx, whose elements are walked here, so that nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline, Row
from knowledge.parsers.package import check_package
from knowledge.types import Parsed

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DRAWN = {"picture": "pictures", "chart": "charts and diagrams", "diagram": "charts and diagrams"}
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
HOLDERS = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag")}
OFF = ("0", "false", "off", "none")
MOST_SPAN = 100
TINY = 4  # half-points; smaller text cannot be read on paper
PLAIN_TABLES = ("", "TableGrid", "TableNormal", "a1")  # styles that paint no cell


def parse(path: Path) -> Parsed:
    """Headings, paragraphs, lists and tables of the body, then footnotes; not what is hidden."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    check_package(path)
    try:
        document = docx.Document(str(path))
        reader = _Reader(document)
        reader.body(document.element.body)
        reader.drawings(document.element.body)
        for part in document.part.package.iter_parts():
            if str(part.partname) in ("/word/footnotes.xml", "/word/endnotes.xml"):
                reader.notes(part.blob)
        title = str(document.core_properties.title or "").strip() or path.stem
    except (PackageNotFoundError, KeyError, ValueError, AttributeError, SyntaxError) as error:
        # lxml's XMLSyntaxError is a SyntaxError; parts that are missing raise the others.
        raise UnreadableFile(f"{path.name}: the document is damaged ({error}).") from error
    return reader.parsed(title)


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    hidden: bool
    item: bool  # numbered or bulleted by the style itself


class _Reader:
    """Collects list items until the list ends."""

    def __init__(self, document: Any) -> None:
        self._outline = Outline()
        self._styles = {s.style_id: _style(s) for s in document.styles}
        self._ordered = _ordered(document)
        self._links = {
            key: str(rel.target_ref) for key, rel in document.part.rels.items() if rel.is_external
        }
        self._items: list[str] = []
        self._numbers: dict[int, int] = {}  # depth → last number

    def body(self, element: Any) -> None:
        """Paragraphs and tables, also those inside content controls and tracked insertions."""
        for child in element:
            if child.tag == f"{W}p":
                self._paragraph(child)
            elif child.tag == f"{W}tbl":
                self._close()
                self._table(child)
            elif child.tag in HOLDERS:
                self.body(child)
            elif child.tag == f"{W}altChunk":
                self._outline.unread(1, "embedded documents")

    def drawings(self, body: Any) -> None:
        """Count what holds information that is no text."""
        for data in body.iter(f"{A}graphicData"):
            kind = str(data.get("uri")).rsplit("/", 1)[-1]
            if kind in DRAWN and not any(a.tag == FALLBACK for a in data.iterancestors()):
                self._outline.unread(1, DRAWN[kind])

    def notes(self, blob: bytes) -> None:
        from lxml import etree

        safe = etree.XMLParser(resolve_entities=False, no_network=True)
        self._close()
        for note in etree.fromstring(blob, safe):
            if note.get(f"{W}type") in (None, "normal"):
                self._outline.add(" ".join(filter(None, map(self._text, note.iter(f"{W}p")))))

    def parsed(self, title: str) -> Parsed:
        self._close()
        return self._outline.parsed(title)

    def _paragraph(self, paragraph: Any) -> None:
        text = self._text(paragraph)
        if not text:
            return
        style = self._style(paragraph)
        level = re.fullmatch(r"(?:heading|标题)\s*(\d)", style.name, re.IGNORECASE)
        if style.name.lower() == "title" or level:
            self._close()
            self._outline.heading(int(level[1]) if level else 0, text)
        elif paragraph.find(f"{W}pPr/{W}numPr") is not None or style.item:
            self._item(paragraph, style, text)
        else:
            self._close()
            self._outline.add(text)

    def _item(self, paragraph: Any, style: _Style, text: str) -> None:
        number = _value(paragraph, f"{W}pPr/{W}numPr/{W}numId")
        level = _value(paragraph, f"{W}pPr/{W}numPr/{W}ilvl") or "0"
        depth = min(int(level), 8) if level.isdigit() else 0
        ordered = self._ordered.get((number, level), "number" in style.name.lower())
        for deeper in [d for d in self._numbers if d > depth]:
            del self._numbers[deeper]
        self._numbers[depth] = self._numbers.get(depth, 0) + 1 if ordered else 0
        mark = f"{self._numbers[depth]}. " if ordered else "- "
        self._items.append("  " * depth + mark + text)

    def _table(self, table: Any) -> None:
        plain = _value(table, f"{W}tblPr/{W}tblStyle") in PLAIN_TABLES
        rows: list[Row] = []
        above: list[str] = []
        inner: list[Any] = []
        for row in _children(table, "tr"):
            cells: list[str] = []
            own = list(_children(row, "tc"))
            for cell in own:
                inner += _children(cell, "tbl")
                cells += [self._cell(cell, above, len(cells), plain)] * _span(cell)
            if row.find(f"{W}trPr/{W}hidden") is not None:
                self._outline.hidden(1, "rows")
            else:
                rows.append(cells[0] if len(own) == 1 and len(cells) > 1 else cells)
            above = cells
        self._outline.table(rows)
        for nested in inner:
            self._table(nested)

    def _cell(self, cell: Any, above: list[str], column: int, plain: bool) -> str:
        """The text of a cell; of one that goes on from the row above, the text of that."""
        merged = cell.find(f"{W}tcPr/{W}vMerge")
        if merged is not None and merged.get(f"{W}val", "continue") == "continue":
            return above[column] if column < len(above) else ""
        shaded = not plain or _shaded(cell, f"{W}tcPr")
        return " ".join(filter(None, (self._text(p, shaded) for p in _children(cell, "p"))))

    def _close(self) -> None:
        self._outline.add("\n".join(self._items), "list")
        self._items, self._numbers = [], {}

    def _style(self, paragraph: Any) -> _Style:
        key = _value(paragraph, f"{W}pPr/{W}pStyle")
        return self._styles.get(key, _Style("", False, False))

    def _text(self, paragraph: Any, shaded: bool = False) -> str:
        """What is seen of a paragraph; a link keeps its address. shaded: on another colour."""
        shaded = shaded or _shaded(paragraph, f"{W}pPr")
        unseen = self._style(paragraph).hidden
        parts: list[str] = []
        link = ""
        for run in paragraph.iter(f"{W}r"):
            above = [a.tag for a in run.iterancestors()]
            if FALLBACK in above or f"{W}moveFrom" in above:
                continue
            parent = run.getparent()
            target = self._links.get(parent.get(f"{R}id", "")) if parent is not None else None
            if link and target != link:
                parts.append(_address(link, parts))
            link = target or ""
            text = _run_text(run)
            if unseen or self._hidden(run, shaded or f"{W}txbxContent" in above):
                self._outline.hidden(bool(text.strip()), "pieces of text")
            else:
                parts.append(text)
        parts.append(_address(link, parts))
        return " ".join("".join(parts).split())

    def _hidden(self, run: Any, shaded: bool) -> bool:
        """By its own format or that of its style; white counts where nothing is painted behind."""
        key = _value(run, f"{W}rPr/{W}rStyle")
        if _on(run, f"{W}rPr/{W}vanish") or (key in self._styles and self._styles[key].hidden):
            return True
        size = _value(run, f"{W}rPr/{W}sz")
        if size.isdigit() and int(size) < TINY:
            return True
        white = _value(run, f"{W}rPr/{W}color").upper() == "FFFFFF"
        lit = run.find(f"{W}rPr/{W}highlight") is not None or _shaded(run, f"{W}rPr")
        return white and not shaded and not lit


def _run_text(run: Any) -> str:
    return "".join(
        node.text or "" if node.tag == f"{W}t" else "-" if node.tag == f"{W}noBreakHyphen" else " "
        for node in run
        if node.tag in {f"{W}{name}" for name in ("t", "tab", "br", "cr", "noBreakHyphen")}
    )


def _address(link: str, parts: list[str]) -> str:
    known = not link.startswith(("http://", "https://")) or link in "".join(parts)
    return "" if known else f" ({link})"


def _children(element: Any, name: str) -> Iterator[Any]:
    """Those of this name, also inside content controls and the like."""
    for child in element:
        if child.tag == f"{W}{name}":
            yield child
        elif child.tag in HOLDERS:
            yield from _children(child, name)


def _value(element: Any, path: str) -> str:
    found = element.find(path)
    return str(found.get(f"{W}val", "")) if found is not None else ""


def _on(element: Any, path: str) -> bool:
    found = element.find(path)
    return found is not None and found.get(f"{W}val") not in OFF


def _shaded(element: Any, properties: str) -> bool:
    shade = element.find(f"{properties}/{W}shd")
    return shade is not None and shade.get(f"{W}fill", "auto").upper() not in ("AUTO", "FFFFFF")


def _span(cell: Any) -> int:
    value = _value(cell, f"{W}tcPr/{W}gridSpan")
    return min(max(int(value), 1), MOST_SPAN) if value.isdigit() and len(value) < 6 else 1


def _style(style: Any) -> _Style:
    """With what it inherits; a chain of styles that bites its own tail ends after ten."""
    name, hidden, item = str(style.name or ""), False, False
    for _ in range(10):
        element = style.element
        hidden = hidden or _on(element, f"{W}rPr/{W}vanish")
        item = item or str(style.name or "").lower().startswith("list")
        if (style := getattr(style, "base_style", None)) is None:
            break
    return _Style(name, hidden, item)


def _ordered(document: Any) -> dict[tuple[str, str], bool]:
    """(list, level) → whether its items have numbers."""
    parts = [r.target_part for r in document.part.rels.values() if r.reltype.endswith("/numbering")]
    root = list(chain.from_iterable(part.element for part in parts))
    formats = {
        (kind.get(f"{W}abstractNumId"), level.get(f"{W}ilvl")): _value(level, f"{W}numFmt")
        for kind in root
        if kind.tag == f"{W}abstractNum"
        for level in kind.findall(f"{W}lvl")
    }
    return {
        (str(number.get(f"{W}numId")), str(level)): form not in ("bullet", "none", "")
        for number in root
        if number.tag == f"{W}num"
        for (kind, level), form in formats.items()
        if kind == _value(number, f"{W}abstractNumId")
    }
