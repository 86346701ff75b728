"""Tables, CSV or Excel: one message a row, or a question with its answer a row."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from finetune.transcripts import text_file
from finetune.transcripts.columns import Columns, columns
from finetune.transcripts.conversation import (
    BadRow,
    Conversation,
    Report,
    RowError,
    Source,
    Talk,
    Turn,
    conversation,
)
from finetune.transcripts.gathered import Gathered
from finetune.transcripts.speakers import SPEAKERS, Speaker, satisfaction, solved
from finetune.transcripts.times import moment

MAX_CELL = 1_000_000  # characters; the csv module's own 131,072 cuts off long mail threads
ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of conversations, and where its fields stand."""

    header: tuple[str, ...]
    columns: Columns


def is_workbook(source: Source) -> bool:
    """Whether the file is an Excel workbook (which is a zip archive with such a member)."""
    with source.path.open("rb") as file:
        if file.read(4) != ZIP:
            return False
    try:
        with zipfile.ZipFile(source.path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def table_of(source: Source, given: Mapping[str, str]) -> Table:
    """Header and columns of the file. Raises TranscriptError for a mapping that does not fit."""
    header = next((cells for _, cells in rows(source, lambda bad: None)), [])
    return Table(tuple(header), columns(header, given))


def header_of(source: Source) -> tuple[str, ...]:
    """The first row's cells; () for what is no table of at least two columns."""
    header = next((cells for _, cells in rows(source, lambda bad: None)), [])
    return tuple(header) if len(header) > 1 else ()


def rows(source: Source, report: Report) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every row that is not empty, the header first."""
    reader = _sheet if is_workbook(source) else _csv
    for line, cells in reader(source, report):
        if any(cell.strip() for cell in cells):
            yield line, cells


def _csv(source: Source, report: Report) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_CELL)
    with text_file.text(source.path, source.seen) as file:
        reader = csv.reader(file, delimiter=delimiter_of(source))
        start = 1
        try:
            for row in reader:
                yield start, row
                start = reader.line_num + 1  # a cell may span lines: report where its row began
        except csv.Error as error:
            report(BadRow(source.name, reader.line_num, f"not valid CSV ({error})"))


def _sheet(source: Source, report: Report) -> Iterator[tuple[int, list[str]]]:
    try:
        book = load_workbook(source.path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
        report(BadRow(source.name, 1, f"not a readable workbook ({error})"))
        return
    try:
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, ["" if cell is None else str(cell) for cell in row]
    finally:
        book.close()


def delimiter_of(source: Source) -> str:
    """The one of comma, tab and semicolon that the header has most of."""
    header = text_file.head(source.path).partition("\n")[0]
    return max(",\t;", key=header.count)


def read(source: Source, report: Report, given: Mapping[str, str]) -> Iterator[Conversation]:
    """The file's conversations in the order of their first row.

    An export sorted by time interleaves conversations: rows wait, on disk when they are many.
    """
    table = table_of(source, given)
    at, kind = table.columns.at, table.columns.kind
    gathered = Gathered()
    content = rows(source, report)
    next(content, None)
    for line, row in content:
        cells = {name: row[n] if n < len(row) else "" for name, n in at.items()}
        id = cells.get("id", "").strip()
        if not id and kind != "answers":
            report(BadRow(source.name, line, "no conversation id"))
        else:
            gathered.add(id or f"{source.name}:{line}", line, cells)
    for id, lines in gathered.conversations():
        try:
            turns = list(_turns(lines, kind, source, report))
            yield conversation(Talk(id, turns, *_outcome(lines)), source.name)
        except RowError as error:
            report(BadRow(source.name, lines[0][0], str(error)))


Lines = Sequence[tuple[int, Mapping[str, str]]]


def _turns(lines: Lines, kind: str, source: Source, report: Report) -> Iterator[Turn]:
    for line, cells in lines:
        if kind == "answers":
            yield _turn("customer", cells["customer"], cells, own=False)
            yield _turn("agent", cells["agent"], cells, own=True)
            continue
        role = cells.get("role", "customer").strip().lower()
        if role in SPEAKERS:
            yield _turn(SPEAKERS[role], cells["text"], cells, own=True)
        else:
            report(BadRow(source.name, line, f"unknown role {role!r}"))


def _turn(speaker: Speaker, text: str, cells: Mapping[str, str], own: bool) -> Turn:
    """`own`: the row's author wrote this (of a question with its answer, the answer)."""
    author = cells.get("author", "").strip() if own else ""
    person = (cells.get("person", "").strip() if own else "") or author
    return Turn(speaker, text.strip(), moment(cells.get("time", "")), author, person)


def _outcome(lines: Lines) -> tuple[float | None, bool | None]:
    """The last rating and the last word on whether it was solved: mostly in one row only."""
    csat: float | None = None
    resolved: bool | None = None
    for _, cells in lines:
        csat = satisfaction(cells.get("csat")) or csat
        told = solved(cells.get("resolved"))
        resolved = resolved if told is None else told
    return csat, resolved
