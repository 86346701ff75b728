"""What every engine gets and gives. Contract: tests/contracts/test_generator.py."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from chatbot.types import Message
from knowledge.features import Sentence
from knowledge.types import Passage


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an engine picks tokens. temperature 0 is greedy, the default for support."""

    max_tokens: int = 160  # of the answer
    temperature: float = 0.0
    max_seconds: float = 30.0  # wall time; the answer so far is kept


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter to answer with: its run's name and its PEFT folder."""

    name: str
    path: str
    sha256: str = ""  # of the folder, checked when it is loaded; "" leaves the check out


@dataclass(frozen=True, slots=True)
class Generation:
    """One request to an engine."""

    question: str  # masked
    history: tuple[Message, ...]  # oldest first, without the question
    evidence: tuple[Passage, ...]  # best first, with their ids
    language: str  # of the reply
    sentences: tuple[Sentence, ...] = ()  # of the evidence, ranked by how well they answer
    adapter: Adapter | None = None
    sampling: Sampling = Sampling()
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Translation:
    """A request for a text in another language: no evidence, no history, no adapter.

    Adapters are taught to answer from passages, so the base translates.
    """

    text: str  # of one message
    source: str  # its language
    target: str
    sampling: Sampling = Sampling()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def adapter(self) -> Adapter | None:
        return None


Request = Generation | Translation


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer; the last one has `stop` set and names engine and adapter."""

    text: str
    passages: tuple[int, ...] = ()  # ids behind the text, where the engine knows
    sentence: str = ""  # the verbatim source of the text, where the engine quotes
    engine: str = ""
    adapter: str | None = None
    stop: str | None = None  # end, length, time, cancelled


class Generator(Protocol):
    """Writes the answer to one request; safe to call from several threads."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> frozenset[str]:
        """What it can really speak (zh-Hans, zh-Hant, en, …)."""
        ...

    def stream(self, request: Generation) -> Iterator[Piece]:
        """Raise GenerationError when it cannot answer; stop soon after `cancelled` is set."""
        ...


class Engine(Generator, Protocol):
    """A generator that has to be started: its model lies in another process or machine.

    It takes any chat messages, so it also translates between its languages.
    """

    def translate(self, request: Translation) -> Iterator[Piece]:
        """As `stream`: the text in the other language. Raise GenerationError."""
        ...

    @property
    def ready(self) -> bool: ...

    @property
    def status(self) -> str:
        """One phrase for people: "ready", "loading …", or what is wrong and what to do."""
        ...

    def start(self) -> None:
        """Begin in the background; never raises, whatever is missing."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until it is ready; False when it is not after `seconds`."""
        ...

    def close(self) -> None: ...
