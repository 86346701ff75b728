"""The safety screen: personal data masked, attacks, threats and banned words named by rule."""

from __future__ import annotations

from chatbot.masking import Masker
from chatbot.rules import Words, rule
from chatbot.types import Verdict


def screen(text: str, words: Words | None = None) -> Verdict:
    """Mask personal data and name the rule, if any, that forbids an answer."""
    masker = Masker()
    masked = masker.mask(text)
    return Verdict(masked, tuple(masker.found), rule(text, words))
