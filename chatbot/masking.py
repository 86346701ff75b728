"""Personal data → [PHONE_1]: the same value has the same placeholder in a conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.personal_data import Links, find

PLACEHOLDER = re.compile(r"\[[A-Z]+_\d+\]")


@dataclass(frozen=True, slots=True)
class Original:
    """What a placeholder stands for; never logged, shown or exported with the conversation."""

    placeholder: str  # [PHONE_1]
    kind: str
    value: str  # as first written


class Masker:
    """Placeholders of one conversation, consistent from turn to turn.

    `known` are those of earlier turns; `new` are those that this masker made.
    """

    def __init__(self, known: Iterable[Original] = ()) -> None:
        self.found: list[str] = []  # kinds, one per occurrence
        self.new: list[Original] = []
        self._names: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        for original in known:
            self._names[_key(original.kind, original.value)] = original.placeholder
            number = int(original.placeholder.rstrip("]").rsplit("_", 1)[1])
            self._last[original.kind] = max(self._last.get(original.kind, 0), number)

    def mask(self, text: str, links: Links = "all") -> str:
        """`text` with personal data replaced; everything else unchanged."""
        parts, position = [], 0
        for span in find(text, links):
            value = text[span.start : span.end]
            parts += [text[position : span.start], self._placeholder(span.kind, value)]
            position = span.end
        return "".join([*parts, text[position:]])

    def _placeholder(self, kind: str, value: str) -> str:
        self.found.append(kind)
        key = _key(kind, value)
        if key not in self._names:
            self._last[kind] = self._last.get(kind, 0) + 1
            self._names[key] = f"[{kind.upper()}_{self._last[kind]}]"
            self.new.append(Original(self._names[key], kind, value))
        return self._names[key]


def _key(kind: str, value: str) -> tuple[str, str]:
    """138-1234-5678 and 13812345678 are one number, A@b.com and a@B.com one address."""
    return kind, re.sub(r"[\s.·-]", "", value).lower()
