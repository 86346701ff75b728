"""What staff decided about approved answers: tables, what is hidden, counts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.types import FaqPair

migrations = Migrations("approved")
DOCUMENT = "approved-answers"  # path of the document, one per collection, with the pairs of staff

# Pairs of files stand in `faqs`, and so do those that staff wrote, in DOCUMENT: both are searched
# and cited alike. WHY tells of a chunk c of a document d why its pair does not answer: one of a
# file was 'edited', switched 'off' or 'removed' by staff; one that staff edited is 'off', or
# 'gone' while no file that is found has it. NULL: it answers.
WHY = f"""
(SELECT CASE WHEN own.state <> 'on' THEN own.state
    WHEN own.key <> '' AND NOT EXISTS (SELECT 1 FROM phrasings p
      JOIN faqs f ON f.id = p.faq_id AND f.question = p.text
      JOIN chunks fc ON fc.id = f.chunk_id JOIN found_documents fd ON fd.id = fc.document_id
      WHERE p.normal = own.key AND fd.collection = own.collection AND fd.path <> '{DOCUMENT}')
    THEN 'gone'
    WHEN over.faq_id IS NOT NULL THEN 'edited'
    WHEN over.state <> 'on' THEN over.state END
  FROM faqs this LEFT JOIN approved own ON own.faq_id = this.id
  LEFT JOIN phrasings first ON first.faq_id = this.id AND first.text = this.question
  LEFT JOIN approved over ON over.collection = d.collection AND over.key = first.normal
    AND over.key <> '' AND d.path <> '{DOCUMENT}'
  WHERE this.chunk_id = c.id)"""
SHOWN = f"(c.kind <> 'faq' OR {WHY} IS NULL)"  # the condition of every passage that is found


@migrations()
def m001_approved(db: Sqlite) -> None:
    """A pair of a file that nobody touched has no row here."""
    for statement in (
        """CREATE TABLE approved (
            id TEXT PRIMARY KEY, collection TEXT NOT NULL,
            key TEXT NOT NULL, -- normalised first question in the file; '' when made by hand
            faq_id INTEGER UNIQUE REFERENCES faqs(id) ON DELETE CASCADE, -- NULL: as in the file
            state TEXT NOT NULL CHECK (state IN ('on', 'off', 'removed')),
            base TEXT NOT NULL, -- hash of what the file answered when staff last decided
            changed TEXT NOT NULL) STRICT""",
        "CREATE UNIQUE INDEX approved_key ON approved(collection, key) WHERE key <> ''",
        """CREATE TABLE approved_hits (
            id TEXT PRIMARY KEY, hits INTEGER NOT NULL, last TEXT NOT NULL) STRICT""",
    ):
        db.execute(statement)


def pair_id(collection: str, key: str) -> str:
    """The id of a pair of a file: the same after the file was added again. 48 bits, hex."""
    return hashlib.sha256(f"{collection}\n{key}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Decision:
    """What staff decided about a pair, as it goes into another home.

    Raises ValueError when it is none.
    """

    id: str
    collection: str
    key: str  # as in the table
    state: Literal["on", "off", "removed"]
    base: str
    changed: str
    text: FaqPair | None  # staff's wording; None: as in the file

    def __post_init__(self) -> None:
        known = pair_id(self.collection, self.key) if self.key else self.id
        if self.state not in ("on", "off", "removed") or not re.fullmatch("[0-9a-f]{12}", known):
            raise ValueError(f"{self.id!r} is no decision about an approved answer")
        if known != self.id or not (self.key or self.text):
            raise ValueError(f"{self.id!r} belongs to no approved answer")


def hit(db: Sqlite, pair: str, now: str) -> None:
    """Count that a customer was given this pair; within the caller's transaction."""
    db.execute(
        "INSERT INTO approved_hits VALUES (?, 1, ?) "
        "ON CONFLICT (id) DO UPDATE SET hits = hits + 1, last = excluded.last",
        [pair, now],
    )
