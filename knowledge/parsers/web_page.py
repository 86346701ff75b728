"""HTML files, read with lxml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

from lxml import html

from knowledge.errors import UnreadableFile
from knowledge.parsers.encoding import decode, named_charset
from knowledge.parsers.outline import Outline, Row
from knowledge.parsers.visibility import UNREAD, without_hidden
from knowledge.types import Parsed
from knowledge.words import words

CONTENT = ("p", "h1", "h2", "h3", "table", "li")  # a form that holds any of these wraps a page
BLOCKS = ("p", "div", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6")
WIDEST = 1_000  # columns that spans may make
HEADINGS = {f"h{level}": level for level in range(1, 7)}
FLOWING = words("""
    a abbr b bdi bdo big cite code data del dfn em font i img ins kbd label mark q ruby rb rp rt s
    samp small span strike strong sub sup time tt u var wbr br
""")


def parse(path: Path) -> Parsed:
    """Headings, paragraphs, lists and tables of <main>, or of the body where there is none."""
    data = path.read_bytes()
    page = decode(data, path.name, named_charset(data))
    try:
        tree = _tree(page.text)
    except (ValueError, html.etree.LxmlError) as error:
        raise UnreadableFile(f"{path.name}: there is no HTML in it ({error}).") from error
    title = " ".join((tree.findtext(".//title") or "").split()) or path.stem
    outline = Outline()
    outline.warnings += page.warnings
    _read(tree, outline)
    return outline.parsed(title)


def read_fragment(text: str, outline: Outline, below: int = 0) -> None:
    """A piece of HTML into an outline that is being written; its headings go `below` levels down.

    Unreadable pieces add nothing.
    """
    with suppress(ValueError, html.etree.LxmlError):
        _read(_tree(text), outline, below)


def _tree(text: str) -> Any:
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    return html.document_fromstring(text.encode(), parser=parser)


def _read(tree: Any, outline: Outline, below: int = 0) -> None:
    if pieces := without_hidden(tree):
        outline.hidden(pieces, "pieces of text")
    mains = [m for m in tree.iter("main") if m.text_content().strip()]
    _Walk(outline, below).children(mains[0] if mains else tree)


class _Walk:
    """Depth first through the elements; libxml2 stops at 256 levels, so recursion is safe."""

    def __init__(self, outline: Outline, below: int) -> None:
        self._outline, self._below = outline, below
        self._line: list[str] = []  # flowing text since the last block

    def children(self, element: Any) -> None:
        self._line.append(element.text or "")
        for child in element:
            self._element(child)
            self._line.append(child.tail or "")
        self._flush()

    def _element(self, element: Any) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in UNREAD:
            return
        if tag == "form" and next(element.iter(*CONTENT), None) is None:
            return
        if tag == "header" and not any(
            a.tag in ("article", "main") for a in element.iterancestors()
        ):
            return
        if tag in FLOWING and next(element.iter(*BLOCKS), None) is None:
            self._line.append(_flow(element))
            return
        self._flush()
        if tag in HEADINGS:
            self._outline.heading(HEADINGS[tag] + self._below, _flow(element))
            self._tables(element)
        elif tag in ("ul", "ol"):
            self._outline.add("\n".join(_items(element, 0)), "list")
            self._tables(element)
        elif tag == "table":
            self._table(element)
        elif tag == "pre":
            self._outline.add(element.text_content().strip("\n"), "code")
        else:
            self.children(element)

    def _flush(self) -> None:
        text = _clean("".join(self._line))
        self._line = []
        self._outline.add(text)

    def _table(self, table: Any) -> None:
        rows, inner = _grid(table)
        width = max((len(row) for row in rows if not isinstance(row, str)), default=0)
        if len(rows) < 2 or width < 2:  # layout, not data
            self._outline.add(
                "\n".join(row if isinstance(row, str) else " ".join(row) for row in rows)
            )
        elif _has_header(table, rows):
            self._outline.table(rows)
        else:  # names down the side: each row is "name: value"
            cells = [[row] if isinstance(row, str) else [c for c in row if c] for row in rows]
            named = [": ".join(filter(None, (c[0], " | ".join(c[1:])))) for c in cells if c]
            self._outline.add("\n".join(named), "table")
        for nested in inner:
            self._table(nested)

    def _tables(self, element: Any) -> None:
        """Those inside a list or heading, which _flow() leaves out."""
        for table in element.iter("table"):
            if not any(a.tag == "table" for a in _within(table, element)):
                self._table(table)


def _within(inner: Any, outer: Any) -> Iterator[Any]:
    """The elements between the two."""
    return takewhile(lambda e: e is not outer, inner.iterancestors())


def _has_header(table: Any, rows: Sequence[Row]) -> bool:
    """Whether the first row names the columns: by <th>, else by what the cells look like.

    Of two columns without <th> the first names the rows, unless only values have digits.
    """
    for row in table.iter("tr"):
        if next(row.iterancestors("table")) is table and "th" in (tags := _tags(row)):
            first = _tags(next(r for r in table.iter("tr") if _tags(r)))
            return "th" in first[1:] or first == ["th"] or "th" not in tags[:1]
    cells = [row for row in rows if not isinstance(row, str)]
    if max(len(row) for row in cells) > 2 or next(table.iter("thead"), None) is not None:
        return True
    return not re.search(r"\d", "".join(cells[0])) and all(
        re.search(r"\d", row[-1]) for row in cells[1:]
    )


def _tags(row: Any) -> list[str]:
    return [cell.tag for cell in row if cell.tag in ("td", "th")]


def _grid(table: Any) -> tuple[list[Row], list[Any]]:
    """Rows that hold text, and the tables inside cells.

    A cell that spans several rows or columns stands in each of them; one across all is the row.
    """
    grid: list[Row] = []
    inner: list[Any] = []
    below: dict[int, tuple[int, str]] = {}  # column → (rows that it still spans, text)
    for row in table.iter("tr"):
        if next(row.iterancestors("table")) is not table:
            continue
        cells: list[str] = []
        tags = [c for c in row if c.tag in ("td", "th")]
        for cell in tags:
            inner += (t for t in cell.iter("table") if next(t.iterancestors("table")) is table)
            _continue_spans(cells, below)
            text = _clean(_flow(cell))
            for _ in range(min(_span(cell, "colspan"), max(WIDEST - len(cells), 1))):
                if _span(cell, "rowspan") > 1:
                    below[len(cells)] = (_span(cell, "rowspan") - 1, text)
                cells.append(text)
        _continue_spans(cells, below)
        if any(cells):
            alone = len(tags) == 1 and len(cells) > 1 and len(set(cells)) == 1
            grid.append(cells[0] if alone else cells)
    return grid, inner


def _continue_spans(cells: list[str], below: dict[int, tuple[int, str]]) -> None:
    while len(cells) in below:
        left, text = below.pop(len(cells))
        if left > 1:
            below[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: Any, name: str) -> int:
    """1..100; browsers cap it too."""
    value = cell.get(name) or "1"
    return min(max(int(value), 1), 100) if value.isdigit() and len(value) < 5 else 1


def _items(element: Any, depth: int) -> list[str]:
    """A line per item, nested ones indented."""
    lines: list[str] = []
    number = int(element.get("start")) if (element.get("start") or "").isdigit() else 1
    for item in element:
        if item.tag in ("ul", "ol"):
            lines += _items(item, depth + 1)
        if item.tag != "li":
            continue
        nested: list[str] = []
        parts = [item.text or ""]
        for child in item:
            if child.tag in ("ul", "ol"):
                nested += _items(child, depth + 1)
            else:
                parts.append(_flow(child) + " " * (child.tag not in FLOWING))
            parts.append(child.tail or "")
        mark = f"{number}. " if element.tag == "ol" else "- "
        number += 1
        if text := _clean("".join(parts)):
            lines.append("  " * depth + mark + text)
        lines += nested
    return lines


def _flow(element: Any) -> str:
    """Text inside an element, without tables; a link keeps its address."""
    if not isinstance(element.tag, str) or element.tag in UNREAD or element.tag == "table":
        return ""
    if element.tag == "br":
        return "\n"
    if element.tag == "img":
        return str(element.get("alt") or "")
    parts = [element.text or ""]
    for child in element:
        parts += [_flow(child), "" if child.tag in FLOWING else " ", child.tail or ""]
    text = "".join(parts)
    link = element.get("href") or ""
    if element.tag == "a" and link.startswith(("http://", "https://")) and link not in text:
        text += f" ({link})"
    return text


def _clean(text: str) -> str:
    """Runs of white space as one blank; line breaks between Chinese characters as nothing."""
    text = re.sub(r"(?<=[\u2e80-\uffff])[ \t]*\n\s*(?=[\u2e80-\uffff])", "", text)
    return " ".join(text.split())
