"""One conversation a JSON row: ShareGPT, OpenAI messages, alpaca, prompt and completion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from finetune.transcripts.json_stream import Row, layout_of, rows, whole
from finetune.transcripts.speakers import SPEAKERS, satisfaction, solved
from finetune.transcripts.times import moment

IDS = ("id", "conversation_id", "dialogue_id", "convo_id")
TIMES = ("time", "timestamp", "created_at")


@dataclass(frozen=True, slots=True)
class RowFormat:
    """A shape that a row may have, and what it says. `talk` raises RowError."""

    name: str
    matches: Callable[[Row], bool]
    talk: Callable[[Row], Talk]


def items(source: Source, formats: Sequence[RowFormat], report: Report) -> Iterator[Row]:
    """The rows; a file that is one object counts as one row when a format knows that shape."""
    if layout_of(source.path) == "object":
        single = Row(1, whole(source.path))
        if single.value is not None and any(known.matches(single) for known in formats):
            yield single
            return
    yield from rows(source, report)


def read(known: RowFormat, source: Source, report: Report) -> Iterator[Conversation]:
    """One conversation a row; a bad row is reported and skipped."""
    for row in items(source, (known,), report):
        try:
            yield conversation(known.talk(row), source.name)
        except RowError as error:
            report(BadRow(source.name, row.line, str(error)))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            report(BadRow(source.name, row.line, f"not a row of {known.name} ({error})"))


def listed(row: Row, name: str) -> list[Any] | None:
    """The list `name` of the row, None when there is none."""
    value = row.value.get(name) if isinstance(row.value, dict) else None
    return value if isinstance(value, list) else None


def id_of(row: Row) -> str:
    """The row's own id, else its key in the file's object, else ""."""
    given = next((row.value[key] for key in IDS if row.value.get(key) not in (None, "")), row.key)
    return str(given)


def text_of(content: Any) -> str:
    """The text of a message; of a list of parts, that of its text parts."""
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def turn_of(item: Any, speaker: str, text: str, row: Mapping[str, Any]) -> Turn:
    """A turn from an object that names speaker and text so. Raises RowError."""
    if not isinstance(item, dict):
        raise RowError("a turn is not an object")
    name = item.get(speaker)
    if not isinstance(name, str) or name.lower() not in SPEAKERS:
        raise RowError(f"unknown {speaker} {name!r}; known: {', '.join(SPEAKERS)}")
    who = SPEAKERS[name.lower()]
    author = item.get("name") or (row.get("agent") if who == "agent" else row.get("customer"))
    author = author if isinstance(author, str) and who in ("agent", "customer") else ""
    person = str(item.get("agent_id") or row.get(f"{who}_id") or author)
    time = next((moment(item[key]) for key in TIMES if item.get(key)), "")
    return Turn(who, text_of(item.get(text)), time, author, person)


def outcome(row: Mapping[str, Any]) -> tuple[float | None, bool | None]:
    """(csat, resolved) where the row tells them."""
    return satisfaction(row.get("csat", row.get("rating"))), solved(row.get("resolved"))


def _named(turns: str, speaker: str, text: str) -> Callable[[Row], Talk]:
    """Reads the turns in the list `turns`, each with its speaker and text."""

    def talk(row: Row) -> Talk:
        found = listed(row, turns)
        if found is None:
            raise RowError(f"no list {turns!r}")
        said = [turn_of(item, speaker, text, row.value) for item in found]
        return Talk(id_of(row), said, *outcome(row.value))

    return talk


def _has(turns: str, *keys: str) -> Callable[[Row], bool]:
    def matches(row: Row) -> bool:
        found = listed(row, turns)
        first = found[0] if found else None
        return isinstance(first, dict) and all(key in first for key in keys)

    return matches


def _alpaca(row: Row) -> Talk:
    """Of `history` only the last exchange's successor is learnt: its turns are context."""
    value = row.value
    said = []
    for question, answer in value.get("history") or []:
        said += [Turn("customer", str(question), context=True)]
        said += [Turn("agent", str(answer), context=True)]
    question = "\n".join(filter(None, (text_of(value["instruction"]), text_of(value.get("input")))))
    if value.get("system"):
        said.insert(0, Turn("note", text_of(value["system"])))
    said += [Turn("customer", question), Turn("agent", text_of(value["output"]))]
    return Talk(id_of(row), said, *outcome(value))


COMPLETIONS = ("completion", "response", "answer")


def _completed(row: Row) -> Talk:
    """A prompt (text, or messages) and what should come."""
    value = row.value
    prompt = value["prompt"] if "prompt" in value else value["question"]
    reply = next(value[key] for key in COMPLETIONS if key in value)
    said: list[Turn] = []
    for content, speaker in ((prompt, "customer"), (reply, "agent")):
        if isinstance(content, list):
            said += [turn_of(item, "role", "content", value) for item in content]
        else:
            said.append(Turn("agent" if speaker == "agent" else "customer", text_of(content)))
    # Replies inside a prompt of several messages are its history.
    last = len(said) - (len(reply) if isinstance(reply, list) else 1)
    said = [
        Turn(t.speaker, t.text, t.time, t.author, t.person, context=i < last and last > 1)
        for i, t in enumerate(said)
    ]
    return Talk(id_of(row), said, *outcome(value))


def _is_completed(row: Row) -> bool:
    if not isinstance(row.value, dict):
        return False
    asks = "prompt" in row.value or "question" in row.value
    return asks and any(key in row.value for key in COMPLETIONS)


FORMATS = (
    RowFormat(
        "ShareGPT",
        _has("conversations", "from", "value"),
        _named("conversations", "from", "value"),
    ),
    RowFormat(
        "OpenAI messages",
        _has("messages", "role", "content"),
        _named("messages", "role", "content"),
    ),
    RowFormat(
        "alpaca",
        lambda row: isinstance(row.value, dict) and {"instruction", "output"} <= row.value.keys(),
        _alpaca,
    ),
    RowFormat("prompt and completion", _is_completed, _completed),
)
