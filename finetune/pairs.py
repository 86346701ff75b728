"""A customer's question with an agent's reply: the row that everything after masking works on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.prompt import HISTORY_MESSAGES
from chatbot.types import Message
from finetune.transcripts.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer's question and the reply of an agent, both masked."""

    conversation: str  # id
    language: str
    history: tuple[Message, ...]  # earlier turns, oldest first
    question: str  # everything the customer wrote since the last reply
    reply: str
    agent: str = ""  # who replied: a hash; "" when the export does not tell
    customer: str = ""  # likewise
    csat: float | None = None  # 1..5, of the conversation
    resolved: bool | None = None
    after: str = ""  # what the customer wrote next
    time: str = ""  # of the reply, as the export wrote it; ISO 8601 where it could be read

    @property
    def text(self) -> str:
        """What is compared when near-duplicates are looked for."""
        return f"{self.question}\n{self.reply}"

    @property
    def id(self) -> str:
        """The same in every run on the same transcripts: by it a dropped row is put back."""
        said = "\n".join((self.conversation, *(m.text for m in self.history), self.text))
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def pairs(conversations: Iterable[Conversation]) -> list[Pair]:
    """Every agent's reply that follows a customer's turn, with the turns before.

    Turns that are context only (an alpaca row's history) give no pair of their own.
    """
    return [pair for conversation in conversations for pair in _of(conversation)]


def _of(conversation: Conversation) -> list[Pair]:
    found: list[Pair] = []
    said: list[Message] = []
    turns = conversation.turns
    customer = next((t.person for t in turns if t.speaker == "customer" and t.person), "")
    for number, turn in enumerate(turns):
        role = {"customer": "user", "agent": "agent"}.get(turn.speaker, "assistant")
        if role == "agent" and not turn.context and said and said[-1].role == "user":
            after = turns[number + 1] if number + 1 < len(turns) else None
            found.append(
                Pair(
                    conversation.id,
                    conversation.language,
                    tuple(said[:-1][-HISTORY_MESSAGES:]),
                    said[-1].text,
                    turn.text,
                    turn.person,
                    customer,
                    conversation.csat,
                    conversation.resolved,
                    after.text if after is not None and after.speaker == "customer" else "",
                    turn.time,
                )
            )
        said.append(Message(role, turn.text))  # type: ignore[arg-type]
    return found
