"""Engines on the server of tests/chat_server.py, for the tests of the OpenAI-compatible one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from chatbot.errors import GenerationError
from chatbot.generation.openai_engine import OpenAIGenerator
from chatbot.generation.protocol import Generation, Piece, Sampling
from chatbot.generation.served import Server
from tests.chat_server import ChatServer
from tests.chatbot.conftest import passage

DONE = "data: [DONE]\n\n"
REQUEST = Generation(
    question="How long can I return tea?",
    history=(),
    evidence=(passage("Unopened tea can be returned within 30 days."),),
    language="en",
    sampling=Sampling(max_tokens=40, max_seconds=20),
)
Start = Callable[..., OpenAIGenerator]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def start(server: ChatServer) -> Iterator[Start]:
    """Engines on that server; short patience, so that faults do not take long."""
    engines: list[OpenAIGenerator] = []

    def started(retries: int = 0, **where: object) -> OpenAIGenerator:
        place = Server(server.url, silence_seconds=0.5, connect_seconds=2)
        place = replace(place, **where)  # type: ignore[arg-type]
        engine = OpenAIGenerator(place, "base", frozenset({"en"}), retries=retries)
        engines.append(engine)
        engine.start()
        engine.wait(20)
        return engine

    yield started
    for engine in engines:
        engine.close()


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def failure(engine: OpenAIGenerator, request: Generation = REQUEST) -> str:
    """The message of an answer that cannot come."""
    with pytest.raises(GenerationError) as caught:
        list(engine.stream(request))
    return str(caught.value)
