"""What staff decided about approved answers: tables, what is hidden, counts."""

from __future__ import annotations

import hashlib

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

migrations = Migrations("approved")
DOCUMENT = "approved-answers"  # path of the document, one per collection, with the pairs of staff

# Pairs of files stand in `faqs`, and so do those that staff wrote, in DOCUMENT: both are searched
# and cited alike. Chunks of pairs that do not answer, with the reason: a pair of a file that staff
# 'edited', switched 'off' or 'removed', and an edited pair whose file is 'gone'.
IN_FILE = f"""
  FROM phrasings p JOIN faqs f ON f.id = p.faq_id AND f.question = p.text
  JOIN chunks c ON c.id = f.chunk_id JOIN documents d ON d.id = c.document_id
  WHERE p.normal = a.key AND d.collection = a.collection AND d.path <> '{DOCUMENT}'"""
HIDDEN = f"""
SELECT i.chunk_id, iif(a.faq_id IS NULL, a.state, 'edited') AS why
  FROM approved a JOIN faqs i ON i.id IN (SELECT f.id {IN_FILE})
  WHERE a.key <> '' AND (a.faq_id IS NOT NULL OR a.state <> 'on')
UNION ALL
SELECT o.chunk_id, iif(a.state = 'on', 'gone', a.state)
  FROM approved a JOIN faqs o ON o.id = a.faq_id
  WHERE a.state <> 'on' OR (a.key <> '' AND NOT EXISTS (SELECT 1 {IN_FILE}))"""


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


def hit(db: Sqlite, pair: str, now: str) -> None:
    """Count that a customer was given this pair; within the caller's transaction."""
    db.execute(
        "INSERT INTO approved_hits VALUES (?, 1, ?) "
        "ON CONFLICT (id) DO UPDATE SET hits = hits + 1, last = excluded.last",
        [pair, now],
    )
