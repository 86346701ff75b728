"""The OpenAI-compatible engine against a server that fails, in every way that servers do."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.errors import GenerationError
from chatbot.generation.breaker import FAILURES
from chatbot.generation.openai_engine import CHARACTERS
from chatbot.generation.protocol import Piece, Sampling
from tests.chat_server import (
    ANSWER,
    Behaviour,
    ChatServer,
    answers,
    chunk,
    events,
    redirects,
    says,
    status,
)

from .remote import DONE, REQUEST, Start, failure, server, start, text

__all__ = ["server", "start"]  # fixtures


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_it_tries_again(server: ChatServer, start: Start, code: int) -> None:
    server.script = [status(code), status(code, **{"Retry-After": "0"}), says(ANSWER)]
    assert text(list(start(retries=2).stream(REQUEST))) == ANSWER
    assert len(server.seen) == 3


@pytest.mark.parametrize("code", [400, 404, 422])
def test_a_refusal_is_final_and_says_nothing_of_the_server(
    server: ChatServer, start: Start, code: int
) -> None:
    server.script = [status(code, "the words of the server")]
    engine = start(retries=2)
    for _ in range(FAILURES + 1):
        assert f"status {code}: the words of the server" in failure(engine)
    assert len(server.seen) == FAILURES + 1 and engine.ready


def test_a_wrong_key_is_not_tried_for_ever(server: ChatServer, start: Start) -> None:
    server.script = [status(401, "no such key")]
    engine = start(retries=2)
    assert all("no such key" in failure(engine) for _ in range(FAILURES + 1))
    assert len(server.seen) == FAILURES and not engine.ready


def test_a_server_that_keeps_failing_is_left_alone(server: ChatServer, start: Start) -> None:
    server.script = [status(500, "out of memory")]
    engine = start()
    for _ in range(FAILURES):
        failure(engine)
    assert not engine.ready and "out of memory" in engine.status
    server.script = [says(ANSWER)]
    assert "left alone" in failure(engine)
    assert len(server.seen) == FAILURES


def test_a_wait_that_no_customer_has_is_kept(server: ChatServer, start: Start) -> None:
    server.script = [status(429, "quota", **{"Retry-After": "120"})]
    engine = start(retries=2)
    assert "quota" in failure(engine)
    assert "left alone for 1" in failure(engine)
    assert len(server.seen) == 1


def test_a_stream_that_breaks_off_keeps_what_was_said(server: ChatServer, start: Start) -> None:
    server.script = [events(chunk("Tea can be "), chunk("returned."))]
    got: list[Piece] = []
    with pytest.raises(GenerationError, match="broke off"):
        got.extend(start(retries=2).stream(REQUEST))
    server.script = [events(chunk("Tea"), 'data: {"error": "CUDA out of memory"}\n\n')]
    engine = start(retries=2)
    stream = engine.stream(REQUEST)
    assert next(stream).text == "Tea"
    with pytest.raises(GenerationError, match="CUDA out of memory"):
        next(stream)
    assert len(server.seen) == 2  # what a customer has read is not said again


NONSENSE: dict[str, Behaviour] = {
    "html": answers("<html>502</html>", "text/html"),
    "whole": answers('{"choices": [{"message": {"content": "Hi"}}]}', "application/json"),
    "empty": answers("", "text/event-stream"),
    "no json": events("data: {nonsense\n\n", DONE),
    "a list": events("data: [1, 2]\n\n", DONE),
    "a number": events("data: 7\n\n", DONE),
    "deep": events(f"data: {'[' * 50_000}\n\n", DONE),
    "no choices": events('data: {"id": "x"}\n\n', DONE),
    "wrong choices": events('data: {"choices": [7]}\n\n', DONE),
    "wrong delta": events('data: {"choices": [{"delta": [1]}]}\n\n', DONE),
    "wrong text": events('data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n', DONE),
    "wrong finish": events('data: {"choices": [{"delta": {}, "finish_reason": 7}]}\n\n', DONE),
    "filtered": events(chunk(finish="content_filter"), DONE),
    "endless line": events("data: " + "x" * 600_000),
    "bytes": answers(b"\xff\xfe\x00data: \xff\n\n", "text/event-stream"),
    "error": status(500, "x" * 100_000),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_no_answer_is_one_sentence(server: ChatServer, start: Start, name: str) -> None:
    server.script = [NONSENSE[name]]
    message = failure(start())
    assert message.startswith(server.url) and len(message) < 400 and "\n" not in message


def test_a_server_that_hangs(server: ChatServer, start: Start) -> None:
    server.script = [events(hang=True)]
    assert "silent" in failure(start())
    server.script = [events(chunk("Tea "), hang=True)]
    stream = start().stream(REQUEST)
    assert next(stream).text == "Tea "
    with pytest.raises(GenerationError, match="silent"):
        next(stream)


def test_a_slow_answer_ends_at_the_time_limit(server: ChatServer, start: Start) -> None:
    server.script = [events(*(x for _ in range(200) for x in (chunk("tea "), 0.1)))]
    request = replace(REQUEST, sampling=Sampling(max_seconds=1))
    *pieces, last = start().stream(request)
    assert last.stop == "time" and text(pieces).startswith("tea tea ")
    assert server.left.wait(10)


def test_an_answer_without_end_is_cut(server: ChatServer, start: Start) -> None:
    server.script = [events(*[chunk("tea " * 50)] * 500, hang=True)]
    *pieces, last = start().stream(REQUEST)
    assert last.stop == "length"
    assert len(text(pieces)) <= CHARACTERS * 40 + 200
    assert server.left.wait(10)


@pytest.mark.parametrize("first", [(), (chunk("Tea "),)])
def test_when_the_customer_leaves_the_server_stops(
    server: ChatServer, start: Start, first: tuple[str, ...]
) -> None:
    server.script = [events(*first, hang=True)]
    engine = start(silence_seconds=60)
    request = replace(REQUEST, cancelled=threading.Event())
    threading.Timer(0.3, request.cancelled.set).start()
    assert list(engine.stream(request))[-1].stop == "cancelled"
    assert server.left.wait(10)


def test_an_answer_that_nobody_reads_on_ends(server: ChatServer, start: Start) -> None:
    server.script = [events(chunk("Tea "), hang=True)]
    stream = start(silence_seconds=60).stream(REQUEST)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert server.left.wait(10)


def test_a_redirect_is_not_followed(server: ChatServer, start: Start, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-secret")
    with ChatServer() as other:
        server.script = [redirects(f"{other.url}/chat/completions")]
        assert "status 307" in failure(start(key_file=str(tmp_path / "key")))
        assert other.seen == []


def test_nobody_listens(start: Start) -> None:
    engine = start(url="http://127.0.0.1:9/v1", retries=1)
    assert not engine.ready and "cannot be reached" in engine.status
    assert "cannot be reached" in failure(engine)
