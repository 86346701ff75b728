"""The values of one turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

from knowledge.types import Passage

Role = Literal["user", "assistant", "agent", "note"]  # agent: a person; note: for staff only
EVALUATION = "evaluation"  # the channel of questions that no customer asked
Route = Literal["answer", "approved", "person", "smalltalk"]  # approved: by an approved answer


class Action(StrEnum):
    """What a reply does. abstained = REFUSE or HAND_OVER, nothing else."""

    ANSWER = "answer"  # written by a generator from evidence
    QUOTE = "quote"  # approved answer or sentences of passages, verbatim
    CLARIFY = "clarify"  # asks one question back
    SMALLTALK = "smalltalk"  # greeting, thanks, goodbye
    REFUSE = "refuse"  # says that the documents do not tell, offers a person
    HAND_OVER = "hand_over"  # a person is called
    WAIT = "wait"  # a person has the conversation, the bot is silent


class HandoffReason(StrEnum):
    """Why a person was called."""

    CUSTOMER_REQUEST = "customer_request"
    MISSING_KNOWLEDGE = "missing_knowledge"  # twice in a row no evidence
    POLICY = "policy"  # a rule says that people handle this
    ANGER = "anger"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a channel hands it over; a channel builds nothing else."""

    text: str
    visitor: str  # 128-bit id of whoever owns the session
    session_id: str | None = None  # None opens a new session
    channel: str = "web"  # web, api, cli, …
    collection: str | None = None  # search only here; None searches all
    language: str | None = None  # of the interface, the prior when the text does not tell
    adapter: str | None = None  # folder of one to ask for; None leaves it to the champions
    # What was said before, where the channel keeps it itself; counts in a new session only.
    history: tuple[Message, ...] = ()
    before: tuple[str, ...] = ()  # stored messages without a reply that this one goes on with
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation and its owner."""

    id: str
    visitor: str
    channel: str
    language: str | None  # of the latest turn that told
    state: Literal["bot", "waiting", "person", "closed"]  # waiting: a person was called
    created: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class Message:
    """One stored utterance, personal data masked."""

    role: Role
    text: str
    id: str = ""
    created: str = ""
    author: str = ""  # name of the person who wrote it, as the customer sees it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the safety screen found."""

    masked: str  # the text with personal data replaced by [PHONE_1] …
    found: tuple[str, ...] = ()  # kinds of personal data, one per occurrence
    rule: str | None = None  # the rule that forbids an answer, by name

    @property
    def blocked(self) -> bool:
        return self.rule is not None


@dataclass(frozen=True, slots=True)
class Intent:
    """What the customer wants."""

    name: str
    score: float  # 0..1
    route: Route = "answer"
    answer: str = ""  # approved: the question of that answer; smalltalk: what is said
    choices: tuple[str, ...] = ()  # two wordings, where two routes are about as likely
    why: str = ""  # for staff
    sure: bool = False  # above the floors, or by a pattern


@dataclass(frozen=True, slots=True)
class Entity:
    """Something the customer mentioned."""

    kind: str  # order_number, amount, date, …
    text: str  # as written
    value: str  # normalised


Naming = Callable[[str], Sequence[Entity]]  # the team's own names, or slots, in a masked text
# What masked texts mention, by the clock of a day and in a language, where these are known.
Noticing = Callable[[Iterable[str], date | None, str | None], tuple[Entity, ...]]


@dataclass(frozen=True, slots=True)
class Citation:
    """The place that supports a part of a reply."""

    id: int  # of the passage
    document_id: str
    collection: str
    document: str
    title: str
    heading: str
    text: str  # the whole passage
    sentence: str  # the supporting part of it, verbatim
    score: float  # 0..1

    @classmethod
    def of(cls, passage: Passage, sentence: str, score: float) -> Citation:
        """Cite `sentence` (a verbatim part of the passage's text) of `passage`."""
        return cls(
            id=passage.id,
            document_id=passage.document_id,
            collection=passage.collection,
            document=passage.document,
            title=passage.title,
            heading=passage.heading,
            text=passage.text,
            sentence=sentence,
            score=score,
        )


@dataclass(frozen=True, slots=True)
class Support:
    """One sentence of a reply and what supports it."""

    sentence: str
    passage_id: int | None  # None: nothing does
    score: float  # 0..1
    problem: str | None = None  # e.g. "30 is in no passage"


@dataclass(frozen=True, slots=True)
class Grounding:
    """The check of a whole reply."""

    supports: tuple[Support, ...] = ()

    @property
    def supported(self) -> bool:
        return all(s.passage_id is not None and s.problem is None for s in self.supports)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a turn."""

    name: str
    ms: float
    detail: str = ""  # for staff: why this route, this passage, this answer


@dataclass(frozen=True, slots=True)
class Reply:
    """The final word of a turn, as stored."""

    id: str
    session_id: str
    text: str
    action: Action
    language: str
    intent: Intent
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0  # 0..1
    escalate: bool = False  # a person is called or offered
    reason: HandoffReason | None = None
    engine: str = "quoting"
    adapter: str | None = None
    trace: tuple[Step, ...] = ()
    choices: tuple[str, ...] = ()  # of a question back: what the customer may have meant
    suggestions: tuple[str, ...] = ()  # approved questions near one that was refused


@dataclass(frozen=True, slots=True)
class Stage:
    """Streamed: a stage begins, e.g. "searching"."""

    name: str
    count: int = 0  # of what it is about: the sources that are read


@dataclass(frozen=True, slots=True)
class Delta:
    """Streamed: more text. The Reply that comes last replaces all of it."""

    text: str


Event = Stage | Delta | Reply
