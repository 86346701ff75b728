"""CSV and XLSX files: FAQ pairs where they have question and answer columns, else table rows."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers import articles
from knowledge.parsers.encoding import decode
from knowledge.parsers.outline import Outline, Row, titled
from knowledge.parsers.package import check_package
from knowledge.parsers.sheet_layout import Layout, layout
from knowledge.types import FaqPair, Parsed

MOST_ROWS = 20_000
MOST_COLUMNS = 200
MOST_BLANK = 1_000  # rows on end; a sheet may have a million that are only formatted
QUESTION = re.compile(
    r"q|question|questions|问|问题|問|問題|标准问|標準問|提问|提問", re.IGNORECASE
)
ANSWER = re.compile(r"a|answer|answers|答|答案|回答|回复|回覆|答复|答覆", re.IGNORECASE)
PHRASING = re.compile(r"(phrasing|similar|variant|问法|問法|相似).*", re.IGNORECASE)

Rows = list[Row]


def parse_csv(path: Path) -> Parsed:
    decoded = decode(path.read_bytes(), path.name)
    text = decoded.text
    header = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t|，", key=header.count)  # csv.Sniffer guesses wrongly on prose
    csv.field_size_limit(1 << 20)
    outline = Outline()
    outline.warnings += decoded.warnings
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows = _limited(reader, path.name, outline)
    except csv.Error as error:
        raise UnreadableFile(f"{path.name}: the table is damaged ({error}).") from error
    return _parsed([("", rows)], path, outline)


def parse_xlsx(path: Path) -> Parsed:
    """What is shown of each sheet; merged cells stand in each place that they span."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    check_package(path)
    outline = Outline()
    sheets: list[tuple[str, Rows]] = []
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        with zipfile.ZipFile(path) as package:
            worksheets: list[Any] = list(book.worksheets)
            for sheet in worksheets:
                if sheet.sheet_state != "visible":
                    outline.hidden(1, "sheets")
                    continue
                with package.open(sheet._worksheet_path) as part:
                    shown = layout(part, MOST_ROWS)
                rows = _shown(sheet, shown, outline)
                sheets.append((sheet.title, _limited(rows, path.name, outline)))
    except (
        InvalidFileException,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        SyntaxError,
        zipfile.BadZipFile,
    ) as e:
        raise UnreadableFile(f"{path.name}: the workbook is damaged ({e}).") from e
    return _parsed(sheets, path, outline)


def _shown(sheet: Any, shown: Layout, outline: Outline) -> Iterator[Row]:
    """The rows that are not hidden, without hidden columns."""
    outline.unread(shown.unsaved, "formulas without a stored result")
    used: set[int] = set()
    for number, row in enumerate(sheet.iter_rows(min_row=1, max_col=MOST_COLUMNS), 1):
        cells = [_cell(cell) for cell in row]
        if number in shown.hidden_rows:
            outline.hidden(any(cells), "rows")
            continue
        used |= {i for i in shown.hidden_columns if i <= len(cells) and cells[i - 1]}
        cells, whole = shown.merged(number, cells)
        visible = [c for i, c in enumerate(cells, 1) if i not in shown.hidden_columns]
        yield cells[0] if whole else visible
    outline.hidden(len(used), "columns")
    if shown.last_column > MOST_COLUMNS:
        outline.warnings.append(f"Columns after the first {MOST_COLUMNS} were left out.")


def _limited(rows: Iterator[Row] | Iterator[list[str]], name: str, outline: Outline) -> Rows:
    """Rows with any text. Raises UnreadableFile when there are too many."""
    found: Rows = []
    blank = 0
    wide = False
    for row in rows:
        blank = 0 if any(cell.strip() for cell in row) else blank + 1
        if blank > MOST_BLANK:
            outline.warnings.append(f"Reading ended after {MOST_BLANK} empty rows.")
            break
        if not blank:
            wide = wide or (not isinstance(row, str) and any(map(str.strip, row[MOST_COLUMNS:])))
            cells = row if isinstance(row, str) else [c.strip() for c in row[:MOST_COLUMNS]]
            found.append(cells)
        if len(found) > MOST_ROWS:
            raise UnreadableFile(f"{name}: it has more than {MOST_ROWS} rows. Split it.")
    if wide:
        outline.warnings.append(f"Columns after the first {MOST_COLUMNS} were left out.")
    return found


def _cell(cell: Any) -> str:
    """A value as the sheet shows it, more or less."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return (
            value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        percent = "%" in (cell.number_format or "")
        return f"{value * 100:.10g}%" if percent else f"{value:.15g}"
    return str(value)


def _parsed(sheets: Sequence[tuple[str, Rows]], path: Path, outline: Outline) -> Parsed:
    faqs: list[FaqPair] = []
    for name, rows in sheets:
        _, table = titled(rows)
        pairs = _pairs(table, outline.warnings)
        if pairs is not None:
            faqs += pairs
            continue
        if len(sheets) > 1:
            outline.heading(2, name)
        if (found := articles.of_table(table)) is not None:
            articles.read(found, outline)
        else:
            outline.table(rows)
    return replace(outline.parsed(path.stem), faqs=tuple(faqs))


def _pairs(rows: Sequence[Row], warnings: list[str]) -> list[FaqPair] | None:
    """The pairs of an FAQ table; None for any other table."""
    header = [cell.strip() for cell in rows[0]] if rows else []
    question = next((i for i, name in enumerate(header) if QUESTION.fullmatch(name)), None)
    answer = next((i for i, name in enumerate(header) if ANSWER.fullmatch(name)), None)
    if question is None or answer is None:
        return None
    others = [i for i, name in enumerate(header) if PHRASING.fullmatch(name)]
    pairs, incomplete = [], 0
    for row in rows[1:]:
        given = [row] if isinstance(row, str) else list(row)
        cells = given + [""] * (len(header) - len(given))
        if not cells[question] or not cells[answer]:
            incomplete += 1
            continue
        ways = [way.strip() for i in others for way in re.split(r"[\n|｜]", cells[i])]
        distinct = tuple(dict.fromkeys(way for way in ways if way and way != cells[question]))
        pairs.append(FaqPair(cells[question], cells[answer], distinct))
    if incomplete:
        warnings.append(f"{incomplete} rows without a question or an answer were left out.")
    return pairs
