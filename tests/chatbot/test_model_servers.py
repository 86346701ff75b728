"""A whole turn with a model behind the servers that other projects make."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from chatbot import models as model_store
from chatbot.app import App, build
from chatbot.champions import Champion
from chatbot.settings import ChatbotSettings
from chatbot.store import new_id
from chatbot.types import Action, Incoming
from tests.chat_server import ChatServer, says, status
from tests.chatbot.conftest import DOCUMENTS
from tests.model_servers import llama_cpp, serving

ASKED = "How long is the warranty of the K1 kettle?"
TRUE = "The K1 kettle has a warranty of 24 months."
Place = tuple[str, str]  # address, name of the model
Made = AbstractContextManager[Place]


@contextmanager
def made_up(models: Path) -> Iterator[Place]:
    with ChatServer() as server:
        server.script = [says(f"{TRUE} It is made of gold.")]
        yield server.url, "base"


@contextmanager
def transformers_serve(models: Path) -> Iterator[Place]:
    folder = model_store.find(models, "SmolLM2-135M-Instruct", "")
    with serving(folder) as url:
        yield url, str(folder)


@contextmanager
def llama(models: Path) -> Iterator[Place]:
    """Needs the package xllamacpp, and a GGUF file of the packaged model."""
    pytest.importorskip("xllamacpp")
    if not (file := os.environ.get("ZHIKE_TEST_GGUF")):
        pytest.skip("ZHIKE_TEST_GGUF names no GGUF file")
    with llama_cpp(Path(file)) as url:
        yield url, "smollm2"


SERVERS = [made_up, *(pytest.param(s, marks=pytest.mark.slow) for s in (transformers_serve, llama))]


@pytest.fixture(scope="module", params=SERVERS)
def shop(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """An app whose answers a model on that server writes."""
    start: Callable[[Path], Made] = request.param
    home = tmp_path_factory.mktemp("home")
    with start(models) as (url, model):
        app = opened(home, url, model)
        yield app
        app.close()


def opened(home: Path, url: str, model: str, **more: object) -> App:
    (home / "kettle.md").write_text(DOCUMENTS["kettle.md"], encoding="utf-8")
    settings = ChatbotSettings(
        generator=model,
        generator_url=url,
        generator_languages=("en",),
        generator_silence_seconds=60,
        max_generation_seconds=60,
        answers="generate",
        **more,  # type: ignore[arg-type]
    )
    app = build(home / "home", home / "no-models", chatbot=settings)
    (added,) = app.knowledge.add([home / "kettle.md"])
    assert added.error is None
    app.scorer.warm()
    assert app.generator is not None
    app.generator.start()
    assert app.generator.wait(60), app.generator.status
    return app


def test_a_model_on_a_server_writes_the_checked_answer(shop: App) -> None:
    assert shop.health().generator == "ready" and shop.health().problems == ()
    reply = shop.assistant.reply(Incoming(ASKED, new_id()))
    assert reply.action is Action.ANSWER, reply.trace
    assert reply.engine.startswith("openai:")
    assert "24 months" in reply.text and "gold" not in reply.text
    assert reply.citations[0].document == "kettle.md"


def test_a_promoted_adapter_that_is_not_served_is_never_named(shop: App) -> None:
    """`transformers serve` and llama.cpp would answer with the base under any name."""
    shop.champions.promote("dialogue", Champion("tea-9", "/runs/tea-9/adapter", "", 1.0))
    reply = shop.assistant.reply(Incoming(ASKED, new_id()))
    shop.champions.rollback("dialogue")
    assert reply.action is Action.QUOTE and reply.adapter is None, reply
    assert "24 months" in reply.text


def test_without_the_server_it_quotes(home: Path) -> None:
    with ChatServer() as server:
        app = opened(home, server.url, "base", generator_retries=0)
        server.script = [status(500, "out of memory")]
        replies = [app.assistant.reply(Incoming(ASKED, new_id())) for _ in range(4)]
        assert len(server.seen) == 3
        problems = app.health().problems
    app.close()
    assert {reply.action for reply in replies} == {Action.QUOTE}
    assert all("24 months" in reply.text for reply in replies)
    told = next(s.detail for s in replies[0].trace if s.name == "answer")
    assert "out of memory" in told and "quoted instead" in told
    assert any("out of memory" in problem for problem in problems)


def test_a_server_of_no_known_language_never_writes(home: Path) -> None:
    settings = ChatbotSettings(
        generator="base", generator_url="http://127.0.0.1:9/v1", answers="generate"
    )
    app = build(home, home / "no-models", chatbot=settings)
    assert any("generator_languages is empty" in p for p in app.health().problems)
    assert not app.assistant.answering.needed(adapted=True)
    app.close()
