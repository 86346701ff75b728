"""Errors whose message is one clear sentence for the person who reads it."""


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


class WrongDate(KnowledgeError):
    """No date of the calendar as 2026-05-31, or an end before its beginning."""
