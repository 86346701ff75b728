"""The same request sent twice is answered once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from chatbot.store import new_id
from knowledge.database import Database
from tests.ui.conftest import Running
from ui.idempotency import ABANDONED, KEPT, Once

QUESTION = {"text": "Can I return opened tea?", "language": "en"}
STREAM = {"Accept": "text/event-stream"}


def headers(visitor: str, key: str = "order-17") -> dict[str, str]:
    return {"X-Zhike-Visitor": visitor, "Idempotency-Key": key}


def test_a_request_sent_again_gets_the_same_reply(client: TestClient, running: Running) -> None:
    visitor = new_id()
    first = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor)).json()
    again = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor))
    assert again.status_code == 200 and again.json() == first
    streamed = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor) | STREAM)
    event, data = streamed.text.strip().split("\n")
    assert event == "event: reply" and json.loads(data.removeprefix("data: ")) == first
    assert len(running.app.store.turns(first["session_id"])) == 2


def test_a_stream_counts_as_the_first_one(client: TestClient) -> None:
    visitor = new_id()
    streamed = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor) | STREAM)
    reply = json.loads(streamed.text.strip().split("\n")[-1].removeprefix("data: "))
    assert client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor)).json() == reply


def test_keys_belong_to_a_visitor_and_a_request(client: TestClient) -> None:
    visitor = new_id()
    first = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor)).json()
    for other in (headers(new_id()), headers(visitor, "order-18")):
        reply = client.post("/api/v1/chat", json=QUESTION, headers=other).json()
        assert reply["reply_id"] != first["reply_id"]
    changed = QUESTION | {"text": "Can I return a kettle?"}
    assert client.post("/api/v1/chat", json=changed, headers=headers(visitor)).status_code == 422
    for key in ("", "x" * 256):
        answer = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor, key))
        assert answer.status_code == 422


def test_a_request_that_failed_may_be_sent_again(client: TestClient) -> None:
    visitor, wrong = new_id(), QUESTION | {"session_id": new_id()}
    for accept in ({}, STREAM):
        for _ in range(2):
            answer = client.post("/api/v1/chat", json=wrong, headers=headers(visitor) | accept)
            assert answer.status_code == 404
    assert client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor)).status_code == 200


@pytest.fixture
def once(home: Path) -> Iterator[tuple[Once, Database]]:
    database = Database(home / "zhike.db")
    with database.write() as db:
        db.execute("CREATE TABLE replies (id TEXT PRIMARY KEY) STRICT")
        db.execute("INSERT INTO replies VALUES ('r')")
    yield Once(database), database
    database.close()


def test_of_many_at_once_one_goes_on(once: tuple[Once, Database]) -> None:
    keys, outcomes = once[0], []

    def ask() -> None:
        try:
            keys.begin("v", "k", "body")
            outcomes.append(200)
        except HTTPException as refused:
            outcomes.append(refused.status_code)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [200] + [409] * 15


def test_what_was_abandoned_or_is_old_is_forgotten(once: tuple[Once, Database]) -> None:
    keys, database = once

    def aged(by: timedelta) -> None:
        with database.write() as db:
            db.execute("UPDATE idempotency SET created = ?", [(datetime.now(UTC) - by).isoformat()])

    keys.begin("v", "k", "body")
    aged(ABANDONED + timedelta(seconds=1))
    keys.begin("v", "k", "body").done("r")
    aged(ABANDONED + timedelta(seconds=1))
    assert keys.begin("v", "k", "body").reply_id == "r"
    aged(KEPT + timedelta(seconds=1))
    assert keys.begin("v", "k", "another").reply_id is None


def test_it_goes_with_its_reply(once: tuple[Once, Database]) -> None:
    keys, database = once
    keys.begin("v", "k", "body").done("r")
    with database.write() as db:
        db.execute("DELETE FROM replies")
    assert database.row("SELECT * FROM idempotency") is None


def test_without_a_key_nothing_is_kept(once: tuple[Once, Database]) -> None:
    with once[0].begin("v", None, "body") as attempt:
        attempt.done("r")
    assert once[1].row("SELECT * FROM idempotency") is None
