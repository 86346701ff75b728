"""Errors whose message is one clear sentence for the person who reads it."""


class ChatbotError(Exception):
    """Base of this package's errors: what happened, where, and what to do."""


class SettingsError(ChatbotError):
    """A settings file or environment variable has an unknown key or a bad value."""


class ModelError(ChatbotError):
    """A model is missing, damaged or not allowed."""


class GenerationError(ChatbotError):
    """An engine could not answer; the assistant quotes instead."""


class Crowded(ChatbotError):
    """More people ask than are answered in time; nothing was stored."""

    def __init__(self, seconds: int) -> None:
        """`seconds` after which to try again."""
        super().__init__(f"Many people are asking right now; please try again in {seconds} s.")
        self.seconds = seconds


class NotFound(ChatbotError):
    """No session or reply of that id for this owner."""


class WrongState(ChatbotError):
    """A conversation is not in the state that an action needs."""


class IntentError(ChatbotError):
    """An intent or an example is not acceptable; nothing was changed."""
