"""What a deployment leaves to people: topics that they always handle, words that call one."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.errors import SettingsError
from chatbot.plain import flat, word_pattern
from chatbot.rules import LOOKED_AT
from chatbot.types import Intent

SHORTEST, LONGEST = 2, 80  # letters or digits; characters
MOST = 500  # words: every turn is compared with each


@dataclass(frozen=True, slots=True)
class HouseRules:
    """Read from the settings. Raises SettingsError for a word or topic that cannot be one."""

    words: tuple[str, ...] = ()  # or phrases, in whichever case, script and spacing
    topics: tuple[str, ...] = ()  # names of intents

    def __post_init__(self) -> None:
        for word in self.words:
            letters = sum(c.isalnum() for c in flat(word))
            if letters < SHORTEST or len(word) > LONGEST:
                raise SettingsError(
                    f"words has {word[:LONGEST]!r}; a word that calls a person has at least "
                    f"{SHORTEST} letters or digits and at most {LONGEST} characters."
                )
        if len(self.words) > MOST:
            raise SettingsError(f"words has {len(self.words)} of them; {MOST} is the most.")
        for topic in self.topics:
            if not topic.strip() or len(topic) > LONGEST:
                raise SettingsError(
                    f"topics has {topic[:LONGEST]!r}, which is no name of an intent. "
                    "See their names: zhike intents list"
                )

    def word(self, masked: str) -> str:
        """The first listed word in a message, as listed; "" when there is none."""
        if not self.words:
            return ""
        text = flat(masked[:LOOKED_AT])
        patterns = ((word, word_pattern(word)) for word in self.words)
        return next((word for word, pattern in patterns if pattern and pattern.search(text)), "")

    def topic(self, intent: Intent) -> str:
        """The name of an intent that people handle, when it is sure; "" otherwise."""
        return intent.name if intent.sure and intent.name in self.topics else ""
