"""The table of formats: the first that the head of a file fits reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from finetune.transcripts import chat_log, help_desks, json_rows, research, tables
from finetune.transcripts.columns import columns
from finetune.transcripts.conversation import Conversation, Report, Source, ignored
from finetune.transcripts.json_rows import RowFormat
from finetune.transcripts.json_stream import layout_of
from finetune.transcripts.layouts import CHAT_LOG, Layouts

LOOKED_AT = 20  # rows of a JSON file: the first may be a bad one
# Before OpenAI messages: CrossWOZ and Chatwoot also have "messages", with other keys.
ROWS = (*research.FORMATS, *help_desks.FORMATS, *json_rows.FORMATS)
TABLES = {"messages": "table of messages", "answers": "table of answers", "MultiDoGO": "MultiDoGO"}
SUPPORTED = (
    "ShareGPT, OpenAI (ChatML) messages, alpaca, prompt and completion, SGD, CrossWOZ, ABCD and "
    "Zendesk or Chatwoot exports as JSON; tables (CSV, Excel) with the columns conversation_id|"
    "会话编号, author_type|角色 and body|内容, or question|问题 and answer|回答; chat logs "
    "([12:03] Anna: …); zip archives of these"
)


@dataclass(frozen=True, slots=True)
class Format:
    """What a file was recognised as."""

    name: str
    read: Callable[[Source, Report], Iterator[Conversation]]
    columns: Mapping[str, str]  # of a table or log: field → column or name that is used


def format_of(
    source: Source, given: Mapping[str, str], layouts: Layouts | None = None
) -> Format | None:
    """The format by content; None when it is none. Mappings in `given` are remembered.

    Raises TranscriptError for a mapping that does not fit the file.
    """
    source = replace(source, seen=ignored)  # looking at the head is no progress
    if layout_of(source.path):
        return _json(source)
    header = tables.header_of(source)
    guessed = bool(header) and bool(columns(header, {}).kind)
    # A log's first line may hold commas, so it is a log unless its header tells a table.
    if not guessed and not tables.is_workbook(source) and chat_log.matches(source):
        mapping = _mapping(CHAT_LOG, given, layouts)
        return Format("chat log", partial(chat_log.read, given=mapping), mapping)
    if header:
        mapping = _mapping(header, given, layouts)
        found = tables.table_of(source, mapping).columns
        if found.kind:
            read = partial(tables.read, given=mapping)
            return Format(TABLES[found.kind], read, dict(found.names))
    return None


def _mapping(
    header: tuple[str, ...], given: Mapping[str, str], layouts: Layouts | None
) -> dict[str, str]:
    """What was given now over what was given before; remembered from now on."""
    if layouts is None:
        return dict(given)
    mapping = {**layouts.mapping(header), **given}
    if given:
        layouts.remember(header, mapping)
    return mapping


def _json(source: Source) -> Format | None:
    known: tuple[RowFormat, ...] = (*ROWS, help_desks.LOOSE_FORMAT)
    for row in islice(json_rows.items(source, known, lambda bad: None), LOOKED_AT):
        for format in known:
            if format.matches(row):
                if format.name == help_desks.LOOSE:
                    return Format(format.name, help_desks.read_loose, {})
                return Format(format.name, partial(json_rows.read, format), {})
    return None
