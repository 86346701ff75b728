"""What every engine does: pieces, a last one that tells how it ended, errors, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from chatbot.generation.openai_engine import OpenAIGenerator
from chatbot.generation.protocol import Generation, Generator, Piece, Sampling, Translation
from chatbot.generation.quoting import QuotingGenerator
from chatbot.generation.served import Server
from chatbot.generation.transformers_engine import TransformersGenerator
from knowledge.features import Sentence
from knowledge.types import Passage
from tests.chat_server import ChatServer
from tests.model_servers import serving
from tests.tiny_models import make_model, models_folder

PASSAGE = Passage(
    id=7,
    document_id="d",
    collection="default",
    document="returns.md",
    title="Returns",
    heading="Returns › Tea",
    text="Unopened tea can be returned within 30 days. Shipping costs 4.90 EUR.",
    language="en",
)


@contextmanager
def quoting(folder: Path) -> Iterator[Generator]:
    yield QuotingGenerator()


@contextmanager
def transformers(folder: Path) -> Iterator[Generator]:
    model = make_model(folder / "tiny", models_folder() / "SmolLM2-135M-Instruct")
    engine = TransformersGenerator(folder, str(model), languages=frozenset({"en"}), bits=32)
    engine.start()
    assert engine.wait(60), engine.status
    yield engine
    engine.close()


@contextmanager
def openvino(folder: Path) -> Iterator[Generator]:
    model = make_model(folder / "tiny", models_folder() / "SmolLM2-135M-Instruct")
    engine = TransformersGenerator(
        folder, str(model), languages=frozenset({"en"}), bits=32, engine="openvino"
    )
    engine.start()
    assert engine.wait(120), engine.status
    yield engine
    engine.close()


@contextmanager
def openai(folder: Path) -> Iterator[Generator]:
    """The protocol over the wire; the text is made up."""
    with ChatServer() as server:
        yield from connected(server.url, "base")


@contextmanager
def transformers_serve(folder: Path) -> Iterator[Generator]:
    """A model of random weights behind `transformers serve`."""
    model = make_model(folder / "tiny", models_folder() / "SmolLM2-135M-Instruct")
    with serving(model) as url:
        yield from connected(url, str(model))


def connected(url: str, model: str) -> Iterator[Generator]:
    engine = OpenAIGenerator(Server(url, silence_seconds=60), model, frozenset({"en"}))
    engine.start()
    assert engine.wait(60), engine.status
    yield engine
    engine.close()


ENGINES = [
    quoting,
    pytest.param(transformers, marks=pytest.mark.slow),
    pytest.param(openvino, marks=pytest.mark.slow),
    openai,
    pytest.param(transformers_serve, marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generator]:
    make: Callable[[Path], AbstractContextManager[Generator]] = request.param
    with make(tmp_path_factory.mktemp("engine")) as generator:
        yield generator


SAMPLING = Sampling(max_tokens=16)


def ask(sampling: Sampling = SAMPLING) -> Generation:
    return Generation(
        question="How long can I return tea?",
        history=(),
        evidence=(PASSAGE,),
        language="en",
        sentences=(Sentence(PASSAGE, 0, "Unopened tea can be returned within 30 days.", 0.9),),
        sampling=sampling,
    )


def test_it_says_what_it_is(engine: Generator) -> None:
    assert engine.name
    assert engine.languages and engine.languages <= {"zh-Hans", "zh-Hant", "en"}


def test_text_comes_in_pieces_and_the_last_tells_how_it_ended(engine: Generator) -> None:
    *pieces, last = engine.stream(ask())
    assert "".join(piece.text for piece in pieces)
    assert [piece.stop for piece in pieces] == [None] * len(pieces)
    assert last.stop in ("end", "length") and last.engine == engine.name and last.adapter is None
    for piece in pieces:
        assert set(piece.passages) <= {PASSAGE.id}
        assert piece.sentence in PASSAGE.text


def test_the_same_request_gets_the_same_answer(engine: Generator) -> None:
    assert list(engine.stream(ask())) == list(engine.stream(ask()))


def test_cancelled_it_stops_and_says_so(engine: Generator) -> None:
    request = ask()
    request.cancelled.set()
    assert list(engine.stream(request)) == [
        Piece("", engine=engine.name, adapter=None, stop="cancelled")
    ]


def test_several_threads_get_whole_answers(engine: Generator) -> None:
    expected = list(engine.stream(ask()))
    answers: list[list[Piece]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(list(engine.stream(ask()))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [expected] * 4


def test_an_abandoned_answer_leaves_it_usable(engine: Generator) -> None:
    stream = engine.stream(ask())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert list(engine.stream(ask()))[-1].stop in ("end", "length")


def test_engines_that_take_chat_messages_translate(engine: Generator) -> None:
    """In the same pieces; what quotes cannot. Random weights are not asked whether it is right."""
    if isinstance(engine, QuotingGenerator):
        assert not hasattr(engine, "translate")
        return
    request = Translation("你好，订单什么时候到？", "zh-Hans", "en", SAMPLING)
    translate: Callable[[Translation], Iterator[Piece]] = engine.translate  # type: ignore[attr-defined]
    *pieces, last = translate(request)
    assert "".join(piece.text for piece in pieces)
    assert last.stop in ("end", "length") and last.engine == engine.name and last.adapter is None
    request.cancelled.set()
    assert [piece.stop for piece in translate(request)] == ["cancelled"]
    assert list(engine.stream(ask()))[-1].stop in ("end", "length")
