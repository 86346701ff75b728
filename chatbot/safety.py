"""The safety screen: personal data masked, attacks, threats and banned words named by rule."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.masking import Masker
from chatbot.originals import Originals
from chatbot.rules import Words, rule
from chatbot.types import Verdict
from chatbot.word_lists import WordLists


def screen(text: str, words: Words | None = None) -> Verdict:
    """Mask personal data of a text by itself and name the rule, if any, that forbids an answer."""
    masker = Masker()
    masked = masker.mask(text)
    return Verdict(masked, tuple(masker.found), rule(text, words))


@dataclass(frozen=True, slots=True)
class Screen:
    """Screens the turns of stored conversations, with the team's own words."""

    originals: Originals
    lists: WordLists

    def turn(self, session_id: str, text: str) -> Verdict:
        """As screen(); a value keeps its placeholder from turn to turn."""
        masked, found = self.originals.mask(session_id, text)
        return Verdict(masked, found, rule(text, self.lists.words()))
