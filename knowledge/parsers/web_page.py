"""HTML files, read with lxml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lxml import html

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline, row_lines
from knowledge.parsers.plain import decode
from knowledge.types import Parsed
from knowledge.words import words

CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
SKIPPED = words("""
    script style noscript template nav aside footer form button select option svg math iframe object
    embed audio video canvas dialog head input textarea
""")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
FLOWING = words("""
    a abbr b bdi bdo big cite code data del dfn em font i img ins kbd label mark q ruby rb rp rt s
    samp small span strike strong sub sup time tt u var wbr br
""")
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.I)


def parse(path: Path) -> Parsed:
    """Headings, paragraphs, lists and tables of <main>, or of the body where there is none."""
    data = path.read_bytes()
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        tree = html.document_fromstring(_text(data, path.name).encode(), parser=parser)
    except (ValueError, html.etree.LxmlError) as error:
        raise UnreadableFile(f"{path.name}: there is no HTML in it ({error}).") from error
    title = " ".join(tree.findtext(".//title", "").split()) or path.stem
    outline = Outline()
    mains = [m for m in tree.iter("main") if m.text_content().strip()]
    _Walk(outline).children(mains[0] if mains else tree)
    return outline.parsed(title)


def _text(data: bytes, name: str) -> str:
    """By the charset that the page names, where that works."""
    if (named := CHARSET.search(data[:4096])) and not data.startswith(b"\xff\xfe"):
        coding = named[1].decode("ascii").lower()
        coding = "gb18030" if coding in ("gb2312", "gbk") else coding
        try:
            return data.decode(coding)
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(data, name)


class _Walk:
    """Depth first through the elements; libxml2 stops at 256 levels, so recursion is safe."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._line: list[str] = []  # flowing text since the last block

    def children(self, element: Any) -> None:
        self._line.append(element.text or "")
        for child in element:
            self._element(child)
            self._line.append(child.tail or "")
        self._flush()

    def _element(self, element: Any) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in SKIPPED or _hidden(element):
            return
        if tag == "header" and not any(
            a.tag in ("article", "main") for a in element.iterancestors()
        ):
            return
        if tag in FLOWING:
            self._line.append(_flow(element))
            return
        self._flush()
        if tag in HEADINGS:
            self._outline.heading(HEADINGS[tag], _flow(element))
        elif tag in ("ul", "ol"):
            self._outline.add("\n".join(_items(element, 0)), "list")
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
        rows = [row for row in _grid(table) if any(row)]
        if len(rows) < 2 or max(len(row) for row in rows) < 2:  # layout, not data
            self._outline.add("\n".join(" ".join(row) for row in rows))
            return
        first = next(table.iter("tr"))
        if any(cell.tag == "th" for cell in first) or not list(table.iter("th")):
            self._outline.add("\n".join(row_lines(rows[0], rows[1:])), "table")
        else:  # headers down the side: each row is "name: value"
            lines = [f"{row[0]}: {' | '.join(row[1:])}" for row in rows]
            self._outline.add("\n".join(lines), "table")


def _grid(table: Any) -> list[list[str]]:
    """The cells by row and column; one that spans several stands in each of them."""
    grid: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # column → (rows that it still spans, text)
    for row in table.iter("tr"):
        if _hidden(row):
            continue
        cells: list[str] = []
        for cell in (c for c in row if c.tag in ("td", "th")):
            _continue_spans(cells, below)
            text = _clean(_flow(cell))
            for _ in range(_span(cell, "colspan")):
                if _span(cell, "rowspan") > 1:
                    below[len(cells)] = (_span(cell, "rowspan") - 1, text)
                cells.append(text)
        _continue_spans(cells, below)
        grid.append(cells)
    return grid


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
        if item.tag != "li" or _hidden(item):
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
    """Text inside an element, without hidden parts; a link keeps its address."""
    if not isinstance(element.tag, str) or element.tag in SKIPPED or _hidden(element):
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


def _hidden(element: Any) -> bool:
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or bool(HIDDEN_STYLE.search(element.get("style") or ""))
    )


def _clean(text: str) -> str:
    """Runs of white space as one blank; line breaks between Chinese characters as nothing."""
    text = re.sub(r"(?<=[\u2e80-\uffff])[ \t]*\n\s*(?=[\u2e80-\uffff])", "", text)
    return " ".join(text.split())
