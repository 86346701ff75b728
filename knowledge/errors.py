"""Errors whose message is one clear sentence for the person who reads it."""

from __future__ import annotations

from typing import Literal

Reason = Literal["approved", "kind", "long", "lost", "empty", "longer"]


class KnowledgeError(Exception):
    """Base of this package's errors: what happened, where, and what to do."""


class UnsupportedFile(KnowledgeError):
    """The file's type cannot be read."""


class UnreadableFile(KnowledgeError):
    """The type is known, but this file is empty, damaged, encrypted, too large or has no text."""


class DatabaseError(KnowledgeError):
    """The database cannot be opened or used safely."""


class DiskFull(DatabaseError):
    """There is no room to store it; nothing of it was stored."""


class NotFound(KnowledgeError):
    """No document, passage or collection of that name or id."""


class Changed(KnowledgeError):
    """Somebody else changed it since it was read."""


class NotEditable(KnowledgeError):
    """A document, or a text for it, that cannot be edited or saved here."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class WrongFolder(KnowledgeError):
    """No folder that a document can be named with."""


class OtherType(KnowledgeError):
    """A file of another type than the document that it was to replace."""


class WrongDate(KnowledgeError):
    """No date of the calendar as 2026-05-31, or an end before its beginning."""
