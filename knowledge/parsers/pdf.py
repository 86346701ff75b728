"""PDF files with text, read with pypdf: lines by position, headings by type size."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline, row_lines
from knowledge.parsers.plain import BULLET, join_lines
from knowledge.types import Parsed

MOST_PAGES = 1_000
HEADING = 1.05  # times the size of most text; a third-level heading may be hardly larger
GAP = 1.5  # times the type size: a wider blank begins a new column
LEADING = 1.3  # times the usual line distance: a wider one begins a new paragraph


# Ligatures, radicals (一 may come out as U+2F00), wide letters and digits; not ， or m².
FORMS = re.compile(
    "[\u2e80-\u2fdf\uf900-\ufaff\ufb00-\ufb06\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of text at a place; points."""

    x: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Cells of one height, left to right."""

    y: float
    size: float
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        return " ".join(" ".join(cell.text for cell in self.cells).split())

    @property
    def ended(self) -> bool:
        """Ends as a sentence does; a heading does not."""
        return self.text[-1:] in tuple("。.；;，,")


def parse(path: Path) -> Parsed:
    """Paragraphs, headings and simple tables. Raises UnreadableFile when no page has text."""
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableFile(
                f"{path.name}: the PDF is encrypted. Save a copy without a password and add that."
            )
        if len(reader.pages) > MOST_PAGES:
            raise UnreadableFile(
                f"{path.name}: it has {len(reader.pages)} pages, more than {MOST_PAGES}. Split it."
            )
        pages = [_lines(page) for page in reader.pages]
        title = ((reader.metadata and reader.metadata.title) or "").strip() or path.stem
    except UnreadableFile:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        # pypdf meets damaged structures with these as well as with its own errors.
        raise UnreadableFile(f"{path.name}: the PDF is damaged ({error}).") from error
    if not any(pages):
        raise UnreadableFile(
            f"{path.name}: no page has text; it is a scan. Run text recognition (OCR) on it first."
        )
    return _outline(_without_repeats(pages), title)


def _lines(page: Any) -> list[Line]:
    """The page's lines, top to bottom in the order of the file."""
    cells: list[tuple[float, float, Cell]] = []  # y, size, cell

    def visit(text: str, cm: list[float], tm: list[float], _font: Any, size: float) -> None:
        text = FORMS.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text).strip("\r\n")
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        scale = abs((tm[0] * tm[3] - tm[1] * tm[2]) * (cm[0] * cm[3] - cm[1] * cm[2])) ** 0.5
        size = round(size * (scale or 1.0), 1)
        for number, part in enumerate(text.splitlines()):
            if part.strip():
                height = y - number * size * 1.2
                cells.append((height, size, Cell(x, x + _width(part.strip(), size), part)))

    page.extract_text(visitor_text=visit)
    lines: list[Line] = []
    for y, size, cell in cells:
        last = lines[-1] if lines else None
        if last and abs(last.y - y) < 0.4 * max(size, last.size) and cell.x >= last.cells[-1].x:
            lines[-1] = replace(last, cells=_join(last.cells, cell, size))
        else:
            lines.append(Line(y, size, (replace(cell, text=cell.text.lstrip()),)))
    return lines


def _join(cells: tuple[Cell, ...], cell: Cell, size: float) -> tuple[Cell, ...]:
    """The next run: part of the last cell, or a cell of its own after a wide blank."""
    last = cells[-1]
    if cell.x - last.end > GAP * size:
        return (*cells, replace(cell, text=cell.text.strip()))
    blank = cell.x - last.end > 0.12 * size and last.text[-1] < "\u2e80"
    text = last.text + (" " if blank and cell.text[0] != " " else "") + cell.text
    return (*cells[:-1], Cell(last.x, cell.end, text))


def _width(text: str, size: float) -> float:
    """About how wide a text is: a Chinese character is a square, a Latin letter half of one."""
    return size * sum(1.0 if c >= "\u2e80" else 0.5 for c in text)


def _without_repeats(pages: list[list[Line]]) -> list[list[Line]]:
    """Without running heads and page numbers: first or last lines alike on three pages or more."""
    shape = re.compile(r"\d+")
    edges = Counter(
        shape.sub("#", line.text) for page in filter(None, pages) for line in {page[0], page[-1]}
    )
    repeated = {text for text, times in edges.items() if times >= 3 and times > len(pages) / 2}
    return [
        [
            line
            for i, line in enumerate(page)
            if not (i in (0, len(page) - 1) and shape.sub("#", line.text) in repeated)
        ]
        for page in pages
    ]


def _outline(pages: list[list[Line]], title: str) -> Parsed:
    outline = Outline()
    sizes: Counter[float] = Counter()
    for line in (line for page in pages for line in page):
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0]
    large = sorted((s for s in sizes if s >= HEADING * body), reverse=True)
    gaps = [a.y - b.y for page in pages for a, b in pairwise(page) if 0 < a.y - b.y < 4 * body]
    leading = LEADING * (median(gaps) if gaps else body)
    for number, page in enumerate(pages, 1):
        position = 0
        while position < len(page):
            line = page[position]
            if line.size in large and len(line.text) < 160 and not line.ended:
                outline.heading(min(large.index(line.size) + 1, 4), line.text)
                position += 1
                continue
            rows = _table(page[position:])
            if rows:
                outline.add("\n".join(_named(rows)), "table", number)
            else:
                rows = _paragraph(page[position:], leading, large)
                _add_text(outline, rows, number)
            position += len(rows)
    empty = sum(1 for page in pages if not page)
    if empty:
        outline.warnings.append(f"{empty} of {len(pages)} pages have no text (scanned?).")
    return replace(outline.parsed(title), pages=len(pages), empty_pages=empty)


def _table(lines: list[Line]) -> list[Line]:
    """The lines of a table that begins here: three or more with the columns of the first."""
    columns = [cell.x for cell in lines[0].cells]
    if len(columns) < 2:
        return []
    rows: list[Line] = []
    for line in lines:
        tolerance = 0.8 * line.size
        fits = all(any(abs(cell.x - x) < tolerance for x in columns) for cell in line.cells)
        if not fits or (len(line.cells) == 1 and abs(line.cells[0].x - columns[0]) < tolerance):
            break
        rows.append(line)
    return rows if len(rows) >= 3 else []


def _named(lines: list[Line]) -> list[str]:
    """Rows as "header: value | …"; a line without a first cell continues the row above."""
    columns = [cell.x for cell in lines[0].cells]
    rows: list[list[str]] = []
    for line in lines:
        cells = [""] * len(columns)
        for cell in line.cells:
            nearest = min(range(len(columns)), key=lambda i: abs(columns[i] - cell.x))
            cells[nearest] = cell.text
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [
                join_lines([x for x in pair if x]) for pair in zip(rows[-1], cells, strict=True)
            ]
    return row_lines(rows[0], rows[1:])


def _paragraph(lines: list[Line], leading: float, large: list[float]) -> list[Line]:
    """Lines up to a wide gap, a heading or a table."""
    found = [lines[0]]
    for position, (above, line) in enumerate(pairwise(lines), 1):
        if not 0 < above.y - line.y <= leading or line.size in large or _table(lines[position:]):
            break
        found.append(line)
    return found


def _add_text(outline: Outline, lines: list[Line], page: int) -> None:
    """Wrapped lines joined; a line that ends early, or an item, ends its own line."""
    edge = max(line.cells[-1].end for line in lines)
    left = min(line.cells[0].x for line in lines)
    texts: list[str] = []
    goes_on = False
    for line in lines:
        if goes_on and not BULLET.match(line.text):
            texts[-1] = _hyphen(texts[-1], line.text)
        else:
            texts.append(line.text)
        goes_on = line.cells[-1].end - left > 0.75 * (edge - left)
    outline.add("\n".join(texts), "list" if all(BULLET.match(t) for t in texts) else "text", page)


def _hyphen(text: str, following: str) -> str:
    if re.search(r"[a-z]-$", text) and following[:1].islower():
        return text[:-1] + following
    return join_lines([text, following])
