"""Errors whose message is one clear sentence for the person who reads it."""


class FinetuneError(Exception):
    """Base of this package's errors: what happened, where, and what to do."""


class TranscriptError(FinetuneError):
    """A file is missing or holds no conversation that can be read."""


class DatasetError(FinetuneError):
    """Too few usable replies, or none that may be trained on."""


class TrainingError(FinetuneError):
    """A run cannot start, or ended without an adapter."""


class Cancelled(FinetuneError):
    """The run was stopped on purpose."""


class UnknownRun(FinetuneError):
    """No run of that name."""


class NotPromotable(FinetuneError):
    """The run's adapter may not serve: unfinished, changed on disk, or no better than its base."""


class ExportError(FinetuneError):
    """A run cannot be written for another program."""
