"""What is in transcripts, counted while they are read by whoever wants the conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from finetune.transcripts import Found
from finetune.transcripts.conversation import Conversation, ignored
from finetune.transcripts.times import parsed


class Survey:
    """Counts of all conversations that passed through of()."""

    def __init__(self, seen: Callable[[int], None] = ignored) -> None:
        self.seen = seen  # told of bytes as they are read
        self.files: list[Found] = []
        self.conversations: Counter[str] = Counter()  # by file
        self.turns: Counter[str] = Counter()  # by speaker
        self.languages: Counter[str] = Counter()  # of conversations
        self.rated = self.resolved = 0
        self.first = self.last = ""  # times, as in the export
        self._agents: set[str] = set()
        self._span: tuple[datetime, datetime] | None = None

    def found(self, file: Found) -> None:
        """A file is about to be read."""
        self.files.append(file)

    def of(self, conversations: Iterable[Conversation]) -> Iterator[Conversation]:
        """The same conversations, counted."""
        for conversation in conversations:
            self.conversations[conversation.source] += 1
            self.languages[conversation.language] += 1
            self.rated += conversation.csat is not None
            self.resolved += conversation.resolved is not None
            for turn in conversation.turns:
                self.turns[turn.speaker] += 1
                if turn.speaker == "agent" and turn.person:
                    self._agents.add(turn.person)
                self._at(turn.time)
            yield conversation

    @property
    def agents(self) -> int:
        """How many are told apart."""
        return len(self._agents)

    def _at(self, time: str) -> None:
        at = parsed(time) if time else None
        if at is None:
            return
        if self._span is None:
            self._span, self.first, self.last = (at, at), time, time
        elif at < self._span[0]:
            self._span, self.first = (at, self._span[1]), time
        elif at > self._span[1]:
            self._span, self.last = (self._span[0], at), time

    def plain(self) -> dict[str, Any]:
        """All counts as values for JSON."""
        return {
            "files": [
                {
                    "file": file.file,
                    "format": file.format or None,
                    "conversations": self.conversations[file.file],
                    "columns": dict(file.columns),
                }
                for file in self.files
            ],
            "conversations": self.conversations.total(),
            "turns": self.turns.total(),
            "speakers": dict(self.turns),
            "agents": self.agents,
            "languages": dict(self.languages),
            "first": self.first or None,
            "last": self.last or None,
            "rated": self.rated,
            "resolved": self.resolved,
        }
