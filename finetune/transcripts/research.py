"""Published data sets: SGD, CrossWOZ, ABCD (MultiDoGO is a table)."""

from __future__ import annotations

from finetune.transcripts.conversation import RowError, Talk, Turn
from finetune.transcripts.json_rows import RowFormat, id_of, listed, text_of
from finetune.transcripts.json_stream import Row
from finetune.transcripts.speakers import SPEAKERS


def _first(row: Row, name: str) -> object:
    found = listed(row, name)
    return found[0] if found else None


def _sgd(row: Row) -> Talk:
    """Schema-Guided Dialogue: the SYSTEM side was written in an agent's place."""
    speakers = {"USER": "customer", "SYSTEM": "agent"}
    said = []
    for item in row.value["turns"]:
        if item["speaker"] not in speakers:
            raise RowError(f"unknown speaker {item['speaker']!r}")
        who = SPEAKERS[speakers[item["speaker"]]]
        said.append(Turn(who, text_of(item["utterance"])))
    return Talk(id_of(row), said)


def _crosswoz(row: Row) -> Talk:
    """CrossWOZ: usr and sys are two people (Wizard of Oz); `sys-usr` are their numbers."""
    people = row.value.get("sys-usr") or ["", ""]
    said = []
    for item in row.value["messages"]:
        agent = item["role"] == "sys"
        person = str(people[0] if agent else people[1])
        said.append(Turn("agent" if agent else "customer", text_of(item["content"]), person=person))
    return Talk(id_of(row), said)


def _abcd(row: Row) -> Talk:
    """ABCD: `original` holds [speaker, text]; an action is a note of the help desk."""
    names = {"agent": "", "customer": ""}
    scenario = row.value.get("scenario")
    if isinstance(scenario, dict) and isinstance(scenario.get("personal"), dict):
        names["customer"] = str(scenario["personal"].get("customer_name", ""))
    said = []
    for speaker, text in row.value["original"]:
        if speaker not in SPEAKERS:
            raise RowError(f"unknown speaker {speaker!r}")
        said.append(Turn(SPEAKERS[speaker], text_of(text), author=names.get(speaker, "")))
    return Talk(id_of(row), said)


def _is_sgd(row: Row) -> bool:
    first = _first(row, "turns")
    return isinstance(first, dict) and {"speaker", "utterance"} <= first.keys()


def _is_crosswoz(row: Row) -> bool:
    first = _first(row, "messages")
    return isinstance(first, dict) and first.get("role") in ("usr", "sys")


def _is_abcd(row: Row) -> bool:
    first = _first(row, "original")
    return isinstance(first, list) and len(first) == 2


FORMATS = (
    RowFormat("SGD", _is_sgd, _sgd),
    RowFormat("CrossWOZ", _is_crosswoz, _crosswoz),
    RowFormat("ABCD", _is_abcd, _abcd),
)
