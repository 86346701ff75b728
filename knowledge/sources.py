"""The texts of text files as they were read, kept with each version so that people can edit them.

A row is named by the file's hash, as a version is: versions of the same bytes share it, a rollback
finds it again, and it goes with the last version that has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlite_utils import Database as Sqlite

from knowledge.curation import DOCUMENT
from knowledge.database import Database
from knowledge.errors import NotEditable
from knowledge.load import LONGEST_SOURCE, SOURCES
from knowledge.types import Document

TABLES = (".csv", ".xlsx")
TRIED = (2000, 400, 120, 48, 24, 12)  # letters of a passage that are looked for, the longest first
LETTER = re.compile(r"<[a-zA-Z/!][^<>]*>|&#?\w+;|(\w)")  # tags and entities have none


@dataclass(frozen=True, slots=True)
class Source:
    """What an editor shows of a document."""

    document: Document
    number: int  # of the version: the draft, or else the current one
    text: str


def keep(db: Sqlite, document_id: str, sha256: str, text: str) -> None:
    """Keep the text of a version, if it has one, and forget those that no version has."""
    if text:
        db.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", [document_id, sha256, text])
    db.execute(
        "DELETE FROM sources WHERE document_id = ?1 AND sha256 NOT IN (SELECT sha256 FROM versions "
        "WHERE document_id = ?1 UNION SELECT sha256 FROM documents WHERE id = ?1)",
        [document_id],
    )


def kept(path: str) -> bool:
    """Whether the text of such a file is kept."""
    return PurePosixPath(path).suffix.lower() in SOURCES


class Sources:
    """Texts read again; safe from any thread."""

    def __init__(self, database: Database) -> None:
        """After the documents, whose table it reads."""
        self._database = database

    def text(self, document_id: str, number: int) -> str | None:
        """Of the current version, or of one before or after it; None where none is kept."""
        row = self._database.row(
            "SELECT text FROM sources WHERE document_id = ?1 AND sha256 = coalesce("
            "(SELECT sha256 FROM versions WHERE document_id = ?1 AND number = ?2), "
            "(SELECT sha256 FROM documents WHERE id = ?1 AND version = ?2))",
            document_id,
            number,
        )
        return None if row is None else str(row["text"])

    def complete(self, document: Document, text: str) -> None:
        """Keep the text of what was added before texts were kept, and was just read again."""
        with self._database.write() as db:
            row = next(
                iter(
                    db.query(
                        "SELECT coalesce(v.sha256, d.sha256) AS sha256 FROM documents d LEFT JOIN "
                        "versions v ON v.document_id = d.id AND v.draft WHERE d.id = ?",
                        [document.id],
                    )
                ),
                None,
            )
            if row is not None:
                keep(db, document.id, row["sha256"], text)


def check(document: Document, text: str | None) -> str:
    """The text that is kept of a document, if it may be edited. Raises NotEditable."""
    path, ending = document.path, PurePosixPath(document.path).suffix.lower()
    if path == DOCUMENT or (ending in TABLES and document.faqs):
        raise NotEditable(
            "approved", f"{path}: its rows are approved answers. Change them one by one there."
        )
    if not kept(path):
        raise NotEditable(
            "kind",
            f"{path}: files of type {ending or '(none)'!r} are not edited here. "
            "Change the file and upload it again under the same name.",
        )
    if text is None and document.size > LONGEST_SOURCE:
        raise NotEditable(
            "long",
            f"{path}: it is too long to be edited here; texts of up to {LONGEST_SOURCE:,} "
            "characters can be. Change the file and upload it again.",
        )
    if text is None:
        raise NotEditable(
            "lost",
            f"{path}: the text of its file was not kept, as it was imported or added by an older "
            "version of Zhike. Upload the file once more; then it can be edited here.",
        )
    return text


def check_new(path: str, text: str) -> None:
    """Whether a text can be saved. Raises NotEditable."""
    if not text.strip():
        raise NotEditable(
            "empty",
            f"{path}: the text is empty. To take the document away, disable or remove it instead.",
        )
    if len(text) > LONGEST_SOURCE:
        raise NotEditable(
            "longer",
            f"{path}: the text has {len(text):,} characters, more than {LONGEST_SOURCE:,}. "
            "Split it into several documents.",
        )


def place(source: str, passage: str) -> tuple[int, int]:
    """Where a passage begins and ends in the text of its file; (0, 0) where it is not found.

    Compared letter by letter, so that line ends, marks of Markdown and the like do not count.
    """
    letters = [match.start() for match in LETTER.finditer(source) if match[1]]
    whole = "".join(source[at] for at in letters)
    wanted = "".join(LETTER.findall(passage))
    for length in dict.fromkeys(min(tried, len(wanted)) for tried in TRIED):
        at = whole.find(wanted[:length]) if length else -1
        if at >= 0:
            return letters[at], letters[at + length - 1] + 1
    return 0, 0
