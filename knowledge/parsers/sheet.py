"""CSV and XLSX files: FAQ pairs where they have question and answer columns, else table rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers.office import check_package
from knowledge.parsers.outline import Outline, row_lines
from knowledge.parsers.plain import decode
from knowledge.types import FaqPair, Parsed

MOST_ROWS = 20_000
MOST_COLUMNS = 200
MOST_BLANK = 1_000  # rows on end; a sheet may have a million that are only formatted
QUESTION = re.compile(
    r"q|question|questions|问|问题|問|問題|标准问|標準問|提问|提問", re.IGNORECASE
)
ANSWER = re.compile(r"a|answer|answers|答|答案|回答|回复|回覆|答复|答覆", re.IGNORECASE)
PHRASING = re.compile(r"(phrasing|similar|variant|问法|問法|相似).*", re.IGNORECASE)

Rows = list[list[str]]


def parse_csv(path: Path) -> Parsed:
    text = decode(path.read_bytes(), path.name)
    header = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t|，", key=header.count)  # csv.Sniffer guesses wrongly on prose
    csv.field_size_limit(1 << 20)
    try:
        rows = _limited(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), path.name)
    except csv.Error as error:
        raise UnreadableFile(f"{path.name}: the table is damaged ({error}).") from error
    return _parsed([("", rows)], path)


def parse_xlsx(path: Path) -> Parsed:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    check_package(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        sheets = []
        for sheet in visible:
            cells = ([_cell(cell) for cell in row] for row in sheet.iter_rows(max_col=MOST_COLUMNS))
            sheets.append((sheet.title, _limited(cells, path.name)))
        hidden = len(book.worksheets) - len(visible)
    except (
        InvalidFileException,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        SyntaxError,
    ) as e:
        raise UnreadableFile(f"{path.name}: the workbook is damaged ({e}).") from e
    warnings = (f"{hidden} hidden sheets were left out.",) if hidden else ()
    return _parsed(sheets, path, warnings)


def _limited(rows: Iterator[list[str]], name: str) -> Rows:
    """Rows with any text. Raises UnreadableFile when there are too many."""
    found: Rows = []
    blank = 0
    for row in rows:
        blank = 0 if any(cell.strip() for cell in row) else blank + 1
        if blank > MOST_BLANK:
            break
        if not blank:
            found.append([cell.strip() for cell in row[:MOST_COLUMNS]])
        if len(found) > MOST_ROWS:
            raise UnreadableFile(f"{name}: it has more than {MOST_ROWS} rows. Split it.")
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


def _parsed(
    sheets: Sequence[tuple[str, Rows]], path: Path, warnings: tuple[str, ...] = ()
) -> Parsed:
    outline = Outline()
    outline.warnings += warnings
    faqs: list[FaqPair] = []
    for name, rows in sheets:
        pairs = _pairs(rows, outline.warnings)
        if pairs is not None:
            faqs += pairs
            continue
        if len(sheets) > 1:
            outline.heading(2, name)
        lines = row_lines(rows[0], rows[1:]) if len(rows) > 1 else [" ".join(r) for r in rows]
        outline.add("\n".join(lines), "table")
    parsed = outline.parsed(path.stem)
    return Parsed(parsed.title, parsed.blocks, tuple(faqs), parsed.warnings)


def _pairs(rows: Rows, warnings: list[str]) -> list[FaqPair] | None:
    """The pairs of an FAQ table; None for any other table."""
    header = [cell.strip() for cell in rows[0]] if rows else []
    question = next((i for i, name in enumerate(header) if QUESTION.fullmatch(name)), None)
    answer = next((i for i, name in enumerate(header) if ANSWER.fullmatch(name)), None)
    if question is None or answer is None:
        return None
    others = [i for i, name in enumerate(header) if PHRASING.fullmatch(name)]
    pairs, incomplete = [], 0
    for row in rows[1:]:
        cells = row + [""] * (len(header) - len(row))
        if not cells[question] or not cells[answer]:
            incomplete += 1
            continue
        ways = [way.strip() for i in others for way in re.split(r"[\n|｜]", cells[i])]
        distinct = tuple(dict.fromkeys(way for way in ways if way and way != cells[question]))
        pairs.append(FaqPair(cells[question], cells[answer], distinct))
    if incomplete:
        warnings.append(f"{incomplete} rows without a question or an answer were left out.")
    return pairs
