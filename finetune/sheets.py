"""The head of a table, or the people of a chat log, to say which of them is what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from chatbot.masking import Masker
from finetune.transcripts import chat_log, tables
from finetune.transcripts.columns import NAMES, columns
from finetune.transcripts.conversation import Source
from finetune.transcripts.json_stream import layout_of
from finetune.transcripts.layouts import CHAT_LOG, Layouts
from finetune.transcripts.zipped import is_archive

ROWS = 3  # of a table that are shown
TALKS = 20  # conversations of a log in which people are looked for
CELL = 160  # characters of a cell
WRITERS, HIDDEN = ("author", "person"), "[…]"  # whose cells name somebody
FIELDS = tuple(NAMES)  # of a table
PEOPLE = ("customer", "agent")  # of a log


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file whose columns or people can be mapped by hand."""

    file: str
    kind: Literal["table", "log"]
    names: tuple[str, ...]  # of the columns, or of the people
    mapping: Mapping[str, str]  # field → column; of a log person → customer or agent
    rows: tuple[tuple[str, ...], ...] = ()  # of a table, masked and shortened

    @property
    def fields(self) -> tuple[str, ...]:
        """What a name can be mapped to."""
        return FIELDS if self.kind == "table" else PEOPLE


def sheets(paths: Sequence[Path], layouts: Layouts) -> list[Sheet]:
    """Of every table and chat log among `paths`; archives and JSON have none."""
    found = (_sheet(path, layouts) for path in paths)
    return [sheet for sheet in found if sheet is not None]


def _sheet(path: Path, layouts: Layouts) -> Sheet | None:
    source = Source(path, path.name)
    try:
        if layout_of(path) or (is_archive(source) and not tables.is_workbook(source)):
            return None
        header = tables.header_of(source)
        guessed = bool(header) and bool(columns(header, {}).kind)
        if not guessed and not tables.is_workbook(source) and chat_log.matches(source):
            return _log(source, layouts)
        return _table(source, header, layouts) if header else None
    except (OSError, UnicodeError):
        return None  # reading it tells what is wrong


def _table(source: Source, header: tuple[str, ...], layouts: Layouts) -> Sheet:
    known = columns(header, layouts.mapping(header))
    mapping = {field: header[number].strip() for field, number in known.at.items()}
    cells = [cells for _, cells in islice(tables.rows(source, lambda bad: None), 1, ROWS + 1)]
    rows = _masked(cells, {known.at[field] for field in WRITERS if field in known.at})
    return Sheet(source.name, "table", tuple(name.strip() for name in header), mapping, rows)


def _masked(rows: Sequence[Sequence[str]], writers: set[int]) -> tuple[tuple[str, ...], ...]:
    """Without personal data; who wrote is hidden in the column of names and in the texts."""
    named = {row[number] for row in rows for number in writers if number < len(row)}
    names = {part for name in named for part in name.split() if len(part) > 1}
    hidden = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)")
    masker = Masker()
    return tuple(
        tuple(
            HIDDEN
            if number in writers and cell.strip()
            else hidden.sub(HIDDEN, masker.mask(cell.strip()[:CELL]))
            for number, cell in enumerate(row)
        )
        for row in rows
    )


def _log(source: Source, layouts: Layouts) -> Sheet:
    """Who is taken for whom, by the first conversations."""
    people: dict[str, str] = {}
    given = layouts.mapping(CHAT_LOG)
    for talk in islice(chat_log.read(source, lambda bad: None, given), TALKS):
        for turn in talk.turns:
            people.setdefault(turn.author, turn.speaker)
    return Sheet(source.name, "log", tuple(people), people)


def mapped(sheet: Sheet, field: str, name: str) -> dict[str, str]:
    """One more decision, as `read` takes it; of a log with all that is known of its people."""
    if sheet.kind == "table":
        return {field: name}
    people = {**sheet.mapping, name: field}
    return {
        side: ", ".join(one for one, taken_for in people.items() if taken_for == side)
        for side in PEOPLE
    }
