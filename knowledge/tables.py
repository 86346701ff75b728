"""The tables of documents, and the one condition that decides what is found."""

from __future__ import annotations

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

migrations = Migrations("knowledge")


@migrations()
def m001_documents(db: Sqlite) -> None:
    """A chunk's id is also its row in vectors and keywords, and its id in the index."""
    for statement in (
        """CREATE TABLE documents (
            id TEXT PRIMARY KEY, collection TEXT NOT NULL, path TEXT NOT NULL,
            title TEXT NOT NULL, language TEXT NOT NULL, sha256 TEXT NOT NULL,
            size INTEGER NOT NULL, added TEXT NOT NULL, warnings TEXT NOT NULL,
            UNIQUE (collection, path)) STRICT""",
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents(id),
            position INTEGER NOT NULL, text TEXT NOT NULL, heading TEXT NOT NULL,
            kind TEXT NOT NULL, page INTEGER, language TEXT NOT NULL) STRICT""",
        "CREATE INDEX chunks_document ON chunks(document_id, position)",
        """CREATE TABLE vectors (
            chunk_id INTEGER PRIMARY KEY REFERENCES chunks(id), embedder TEXT NOT NULL,
            vector BLOB NOT NULL) STRICT""",
        """CREATE TABLE faqs (
            id INTEGER PRIMARY KEY, chunk_id INTEGER NOT NULL REFERENCES chunks(id),
            question TEXT NOT NULL, answer TEXT NOT NULL, language TEXT NOT NULL) STRICT""",
        "CREATE INDEX faqs_chunk ON faqs(chunk_id)",
        """CREATE TABLE phrasings (
            id INTEGER PRIMARY KEY, faq_id INTEGER NOT NULL REFERENCES faqs(id),
            text TEXT NOT NULL, normal TEXT NOT NULL, language TEXT NOT NULL,
            embedder TEXT NOT NULL, vector BLOB NOT NULL) STRICT""",
        "CREATE INDEX phrasings_faq ON phrasings(faq_id)",
        "CREATE INDEX phrasings_normal ON phrasings(normal)",
        # The terms are already cut (keywords.terms); only ASCII blanks separate them.
        "CREATE VIRTUAL TABLE keywords USING fts5(terms, tokenize='ascii')",
        "INSERT INTO keywords(keywords, rank) VALUES ('secure-delete', 1)",
        """CREATE TABLE index_pointer (
            id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL,
            generation INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
            count INTEGER NOT NULL, embedder TEXT NOT NULL) STRICT""",
        "INSERT INTO index_pointer VALUES (1, 0, 0, '', '', 0, '')",
    ):
        db.execute(statement)


@migrations()
def m002_life_of_documents(db: Sqlite) -> None:
    """States, dates and versions.

    Listed documents are in the index and in the keywords, so what is hidden does not weigh on
    the ranks of what is found. Found ones are listed and valid today, in the local time of the
    machine; every search joins `found_documents`, so this is the only place that decides.
    """
    for column in (
        "published INTEGER NOT NULL DEFAULT 1",  # 0: waits for review
        "enabled INTEGER NOT NULL DEFAULT 1",
        "valid_from TEXT NOT NULL DEFAULT ''",  # ISO dates, both inclusive
        "valid_until TEXT NOT NULL DEFAULT ''",
        "version INTEGER NOT NULL DEFAULT 1",
        "change TEXT NOT NULL DEFAULT 'added'",
        "origin TEXT NOT NULL DEFAULT ''",  # who or what brought it, where known
    ):
        db.execute(f"ALTER TABLE documents ADD COLUMN {column}")
    for statement in (
        "CREATE VIEW listed_documents AS SELECT * FROM documents WHERE published AND enabled",
        """CREATE VIEW found_documents AS SELECT * FROM listed_documents
            WHERE (valid_from = '' OR valid_from <= date('now', 'localtime'))
            AND (valid_until = '' OR valid_until >= date('now', 'localtime'))""",
        # The current version is in `documents`; here are those before it, and the draft that
        # waits to come after it.
        """CREATE TABLE versions (
            document_id TEXT NOT NULL REFERENCES documents(id), number INTEGER NOT NULL,
            draft INTEGER NOT NULL, title TEXT NOT NULL, language TEXT NOT NULL,
            sha256 TEXT NOT NULL, size INTEGER NOT NULL, added TEXT NOT NULL,
            warnings TEXT NOT NULL, change TEXT NOT NULL, origin TEXT NOT NULL,
            chunks INTEGER NOT NULL, content TEXT NOT NULL, embedder TEXT NOT NULL,
            vectors BLOB NOT NULL, PRIMARY KEY (document_id, number)) STRICT""",
        "CREATE TABLE collections (name TEXT PRIMARY KEY, review INTEGER NOT NULL) STRICT",
    ):
        db.execute(statement)


@migrations()
def m003_reports(db: Sqlite) -> None:
    """What reading the file of a version gave, as JSON; of what was read before, only its size."""
    for table in ("documents", "versions"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN report TEXT NOT NULL DEFAULT '{{}}'")
        db.execute(f"UPDATE {table} SET report = json_object('bytes', size)")


@migrations()
def m004_sources(db: Sqlite) -> None:
    """The texts of text files, by the hash of the file that a version was read from."""
    db.execute(
        """CREATE TABLE sources (
            document_id TEXT NOT NULL REFERENCES documents(id), sha256 TEXT NOT NULL,
            text TEXT NOT NULL, PRIMARY KEY (document_id, sha256)) STRICT"""
    )
