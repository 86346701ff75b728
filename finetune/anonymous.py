"""Personal data of a conversation → placeholders, the same one for the same value."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace

from chatbot.masking import Masker
from chatbot.personal_data import Links
from finetune.transcripts.conversation import Conversation


def anonymous(conversation: Conversation, found: Counter[str]) -> Conversation:
    """Masked texts, no authors, hashes for persons; what was masked is counted in `found`."""
    masker, names = Masker(), _Names(conversation)
    turns = []
    for turn in conversation.turns:
        # An agent's links lead to the shop's pages; replies must go on naming them.
        links: Links = "secret" if turn.speaker == "agent" else "all"
        text = names.mask(masker.mask(turn.text, links))
        turns.append(replace(turn, text=text, author="", person=_hash(turn.person)))
    found.update(masker.found)
    if names.count:
        found["name"] += names.count
    return replace(conversation, turns=tuple(turns))


def _hash(person: str) -> str:
    """Tells persons apart without naming them."""
    return hashlib.sha256(f"person:{person}".encode()).hexdigest()[:8] if person else ""


class _Names:
    """Names of the writers, known from the export and so masked even in free text."""

    def __init__(self, conversation: Conversation) -> None:
        self.count = 0
        self._placeholders: dict[str, str] = {}
        for speaker, kind in (("customer", "CUSTOMER"), ("agent", "AGENT")):
            authors = dict.fromkeys(
                t.author for t in conversation.turns if t.speaker == speaker and t.author
            )
            for number, author in enumerate(authors, 1):
                for part in (author, *author.split()):
                    if len(part) > 1:
                        self._placeholders.setdefault(part.lower(), f"[{kind}_{number}]")
        names = sorted(self._placeholders, key=len, reverse=True)
        # A Latin name only as a word of its own; Chinese names stand between other letters.
        self._pattern = re.compile("|".join(map(_word, names)), re.IGNORECASE) if names else None

    def mask(self, text: str) -> str:
        if self._pattern is None:
            return text
        masked, count = self._pattern.subn(lambda m: self._placeholder(m.group()), text)
        self.count += count
        return masked

    def _placeholder(self, name: str) -> str:
        return self._placeholders[name.lower()]


def _word(name: str) -> str:
    return rf"(?<!\[)\b{re.escape(name)}\b" if name.isascii() else re.escape(name)
