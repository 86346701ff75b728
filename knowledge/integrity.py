"""Whether the database and the index agree with themselves and with each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from knowledge.database import Database
from knowledge.tables import migrations

AGAIN = "`zhike knowledge rebuild` repairs it."
BACKUP = "Restore the database from a backup."
LISTED = "SELECT c.id FROM listed_documents d JOIN chunks c ON c.document_id = d.id"
COUNTS = (  # (what is wrong, a query that counts it, what repairs it)
    (
        "passages have no vector",
        "SELECT count(*) FROM chunks WHERE id NOT IN (SELECT chunk_id FROM vectors)",
        AGAIN,
    ),
    (
        "passages that should be found have no keywords",
        f"SELECT count(*) FROM ({LISTED}) WHERE id NOT IN (SELECT id FROM keywords_docsize)",
        AGAIN,
    ),
    (
        "passages have keywords though they must not be found",
        f"SELECT count(*) FROM keywords_docsize WHERE id NOT IN ({LISTED})",
        AGAIN,
    ),
    (
        "approved answers have no question that can be matched",
        "SELECT count(*) FROM faqs WHERE id NOT IN (SELECT faq_id FROM phrasings)",
        "Remove the document and add its file again.",
    ),
    (
        "documents have more than one draft",
        "SELECT count(*) FROM (SELECT 1 FROM versions WHERE draft GROUP BY document_id "
        "HAVING count(*) > 1)",
        BACKUP,
    ),
)


def problems(database: Database, folder: Path) -> Iterator[str]:
    """One sentence for each, with what repairs it; nothing is repaired. folder: of the index."""
    database.migrate(migrations)
    for row in database.rows("PRAGMA quick_check"):  # of the keyword index, too
        if row["quick_check"] != "ok":
            yield f"The database is damaged ({row['quick_check']}). {BACKUP}"
    yield from _orphans(database)
    for what, sql, repair in COUNTS:
        count = next(iter(database.here.execute(sql)))[0]
        if count:
            yield f"{count} {what}. {repair}"
    yield from _versions(database)
    yield from _index(database, folder)


def _orphans(database: Database) -> Iterator[str]:
    found: dict[tuple[str, str], int] = {}
    for row in database.rows("PRAGMA foreign_key_check"):
        key = row["table"], row["parent"]
        found[key] = found.get(key, 0) + 1
    for (table, parent), count in found.items():
        yield f"{count} rows of {table} belong to no row of {parent}. {BACKUP}"


def _versions(database: Database) -> Iterator[str]:
    """Kept versions whose texts and vectors cannot be read back."""
    for row in database.rows(
        "SELECT d.path, v.number, v.chunks, v.content, v.embedder, length(v.vectors) AS bytes "
        "FROM versions v JOIN documents d ON d.id = v.document_id"
    ):
        try:
            content = json.loads(row["content"])
            count = len(content["chunks"]) + sum(len(f["phrasings"]) for f in content["faqs"])
            whole = len(content["chunks"]) == row["chunks"]
            whole &= not row["embedder"] or not count or row["bytes"] % (4 * count) == 0
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            yield f"Version {row['number']} of {row['path']} cannot be restored. {BACKUP}"


def _index(database: Database, folder: Path) -> Iterator[str]:
    pointer = database.row("SELECT file, sha256 FROM index_pointer")
    if pointer is None:
        yield f"The row that points to the index is missing. {BACKUP}"
    elif pointer["file"]:
        try:
            data = (folder / pointer["file"]).read_bytes()
        except OSError as error:
            reason = f"cannot be read ({error.strerror})"
        else:
            if hashlib.sha256(data).hexdigest() == pointer["sha256"]:
                return
            reason = "is damaged (its SHA-256 differs)"
        yield f"The index file {pointer['file']} {reason}. {AGAIN}"
