"""Approved answers as staff see them: of files, edited, or made by hand."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from knowledge.curation import DOCUMENT, pair_id
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from knowledge.faq import normal
from knowledge.load import CONTROL, INVISIBLE
from knowledge.types import FaqPair

LONGEST_QUESTION = 500  # characters; longer ones are texts, which nobody asks word for word
LONGEST_ANSWER = 10_000
MOST_PHRASINGS = 200
BETWEEN = re.compile(r"[\n|｜]")  # as in a cell of a table


class BadPair(KnowledgeError):
    """A pair that cannot be approved as it stands."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One approved answer, with what staff decided about it."""

    id: str  # 12 hexadecimal digits, the same after its file was added again
    collection: str
    question: str
    answer: str
    phrasings: tuple[str, ...]  # further questions
    language: str  # of the answer
    origin: Literal["hand", "file", "edited"]  # edited: of a file, in staff's wording
    state: Literal["on", "off", "removed"]  # removed: of a file that still has it
    files: tuple[str, ...]  # paths of the documents that have it now
    news: str | None  # what the file answers now, where that changed since the edit
    in_file: FaqPair | None  # of an edited pair: the file's wording
    also: tuple[str, ...]  # other answers that files give to the same question
    hits: int  # times that a customer was given it
    last_hit: str  # ISO 8601, UTC; "" for never
    changed: str  # by staff; "" for never
    key: str  # normalised first question in the file; "" when made by hand
    faq_id: int | None  # its own row in `faqs`; None: as in the file
    found: bool = True  # whether its file may be found, or a file's wording that staff edited

    @property
    def gone(self) -> bool:
        """Whether no file that is found has it any more: then it does not answer."""
        return not self.found

    @property
    def answers(self) -> bool:
        """Whether customers get it."""
        return self.state == "on" and not self.gone

    @property
    def text(self) -> FaqPair:
        return FaqPair(self.question, self.answer, self.phrasings)


def checked(question: str, answer: str, phrasings: Sequence[str] = ()) -> FaqPair:
    """The pair as it is stored: trimmed, without invisible characters and repeated phrasings.

    A phrasing with line breaks or bars is several, as in a table. Raises BadPair.
    """
    question, answer = " ".join(_clean(question).split()), _clean(answer).strip()
    if not normal(question):
        raise BadPair("The question is empty. Write it as a customer asks it.")
    if not answer:
        raise BadPair(f"The answer to {question!r} is empty. Write what customers shall read.")
    ways = {normal(question): question}
    for way in (part for text in phrasings for part in BETWEEN.split(_clean(text))):
        if key := normal(way):
            ways.setdefault(key, " ".join(way.split()))
    for way in ways.values():
        if len(way) > LONGEST_QUESTION:
            raise BadPair(
                f"The question {way[:40] + '…'!r} has {len(way)} characters; "
                f"at most {LONGEST_QUESTION} are possible."
            )
    if len(answer) > LONGEST_ANSWER:
        raise BadPair(
            f"The answer to {question!r} has {len(answer)} characters; "
            f"at most {LONGEST_ANSWER} are possible."
        )
    if len(ways) > MOST_PHRASINGS:
        raise BadPair(f"{question!r} has {len(ways)} phrasings; at most {MOST_PHRASINGS} help.")
    return FaqPair(question, answer, tuple(ways.values())[1:])


def _clean(text: str) -> str:
    return CONTROL.sub("", INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def fingerprint(answers: Sequence[str]) -> str:
    """What the files answer, as a hash: a removed file leaves no text behind."""
    return hashlib.sha256("\x00".join(sorted(set(answers))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Stored:
    """All rows, as read."""

    files: dict[tuple[str, str], list[dict[str, Any]]]  # by collection and key
    own: dict[int, dict[str, Any]]  # by id of `faqs`
    ways: dict[int, list[str]]
    hits: dict[str, dict[str, Any]]


def read(database: Database) -> list[Pair]:
    """All pairs, also removed ones, by collection and question."""
    stored = _stored(database)
    decided = database.rows("SELECT * FROM approved")
    known = {(row["collection"], row["key"]) for row in decided if row["key"]}
    found = [_decided(row, stored) for row in decided]
    found += [
        _of_file(pair_id(*place), place, rows, stored)
        for place, rows in stored.files.items()
        if place not in known
    ]
    pairs = [pair for pair in found if pair is not None]
    return sorted(pairs, key=lambda pair: (pair.collection, pair.question.casefold(), pair.id))


def _stored(database: Database) -> _Stored:
    files: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    own, ways = {}, defaultdict(list)
    for row in database.rows(
        "SELECT f.id, f.question, f.answer, f.language, d.collection, d.path, "
        "EXISTS (SELECT 1 FROM found_documents WHERE id = d.id) AS found, "
        "(SELECT normal FROM phrasings WHERE faq_id = f.id AND text = f.question) AS key "
        "FROM faqs f JOIN chunks c ON c.id = f.chunk_id JOIN documents d ON d.id = c.document_id "
        "ORDER BY d.path, c.position"
    ):
        if row["path"] == DOCUMENT:
            own[row["id"]] = row
        elif row["key"]:
            files[row["collection"], row["key"]].append(row)
    for row in database.rows("SELECT faq_id, text FROM phrasings ORDER BY id"):
        ways[row["faq_id"]].append(row["text"])
    hits = {row["id"]: row for row in database.rows("SELECT * FROM approved_hits")}
    return _Stored(files, own, ways, hits)


def _decided(row: dict[str, Any], stored: _Stored) -> Pair | None:
    """A pair of which staff decided something; None when its file is gone with all its text."""
    place = row["collection"], row["key"]
    files = stored.files.get(place, []) if row["key"] else []
    if row["faq_id"] is None:
        return _of_file(row["id"], place, files, stored, row) if files else None
    own = stored.own.get(row["faq_id"])
    if own is None:
        return None
    answers = [f["answer"] for f in files]
    new = answers and fingerprint(answers) != row["base"] and own["answer"] not in answers
    file = _of_file(row["id"], place, files, stored) if files else None
    return _pair(
        row["id"],
        own,
        files,
        stored,
        origin="edited" if row["key"] else "hand",
        state=row["state"],
        news=answers[0] if new else None,
        in_file=file.text if file else None,
        changed=row["changed"],
        key=row["key"],
        faq_id=row["faq_id"],
    )


def _of_file(
    id_: str,
    place: tuple[str, str],
    files: list[dict[str, Any]],
    stored: _Stored,
    row: dict[str, Any] | None = None,
) -> Pair:
    """A pair in its file's wording; files that ask the same are one pair."""
    return _pair(
        id_,
        files[0],
        files,
        stored,
        origin="file",
        state=row["state"] if row else "on",
        news=None,
        in_file=None,
        changed=row["changed"] if row else "",
        key=place[1],
        faq_id=None,
    )


def _pair(
    id_: str, text: dict[str, Any], files: list[dict[str, Any]], stored: _Stored, **about: Any
) -> Pair:
    groups = [text, *files] if about["origin"] == "file" else [text]
    ways = dict.fromkeys(way for group in groups for way in stored.ways.get(group["id"], ()))
    hits = stored.hits.get(id_, {"hits": 0, "last": ""})
    return Pair(
        id=id_,
        collection=text["collection"],
        question=text["question"],
        answer=text["answer"],
        phrasings=tuple(way for way in ways if way != text["question"]),
        language=text["language"],
        files=tuple(dict.fromkeys(f["path"] for f in files)),
        also=tuple(dict.fromkeys(f["answer"] for f in groups[1:] if f["answer"] != text["answer"])),
        hits=hits["hits"],
        last_hit=hits["last"],
        found=about["origin"] == "hand" or any(f["found"] for f in files),
        **about,
    )
