"""The same request sent twice is answered once."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from chatbot.app import build
from chatbot.store import Store, new_id
from knowledge.database import Database
from tests.ui.conftest import Running, made
from ui import web
from ui.idempotency import ABANDONED, KEPT, Answer, Once, m001_keys, migrations

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
        db.execute("CREATE TABLE replies (id TEXT PRIMARY KEY, session_id TEXT) STRICT")
        db.execute("INSERT INTO replies VALUES ('r', 's')")
    yield Once(database), database
    database.close()


def test_of_many_at_once_one_goes_on(once: tuple[Once, Database]) -> None:
    keys, outcomes = once[0], []

    def ask() -> None:
        try:
            keys.begin("v", "k", b"body")
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
            db.execute(
                "UPDATE idempotency_keys SET created = ?", [(datetime.now(UTC) - by).isoformat()]
            )

    keys.begin("v", "k", b"body")
    aged(ABANDONED + timedelta(seconds=1))
    keys.begin("v", "k", b"body").done("r")
    aged(ABANDONED + timedelta(seconds=1))
    assert keys.begin("v", "k", b"body").reply_id == "r"
    aged(KEPT + timedelta(seconds=1))
    assert keys.begin("v", "k", b"another").reply_id is None


def test_it_goes_with_its_reply(once: tuple[Once, Database]) -> None:
    keys, database = once
    keys.begin("v", "k", b"body").done("r")
    with database.write() as db:
        db.execute("DELETE FROM replies")
    assert database.row("SELECT * FROM idempotency_keys") is None


def test_without_a_key_nothing_is_kept(once: tuple[Once, Database]) -> None:
    with once[0].begin("v", None, b"body") as attempt:
        attempt.done("r")
    assert once[1].row("SELECT * FROM idempotency_keys") is None


def test_what_an_older_version_kept_is_taken_over(home: Path) -> None:
    """Two tables became one: a request that is sent again after the update is not done twice."""
    database, now = Database(home / "zhike.db"), datetime.now(UTC).isoformat()
    store = Store(database)
    session = store.open_session("v", "api").id
    with database.write() as db:
        db.execute("INSERT INTO replies (id, session_id) VALUES ('r', ?)", [session])
        m001_keys(db)
        db.execute("INSERT INTO idempotency VALUES ('v', 'k', ?, 'r', ?)", [sha(b"body"), now])
        db.execute(
            "CREATE TABLE replays (principal TEXT, key TEXT, request TEXT, status INTEGER, "
            "kind TEXT, body BLOB, created TEXT) STRICT"
        )
        db.execute(
            "INSERT INTO replays VALUES ('p', 'k', ?, 201, 'text/plain', x'6f6b', ?)",
            [sha(b"call"), now],
        )
        migrations.ensure_migrations_table(db)
        migrations._record_applied(db, "m001_keys")
    keys = Once(database)
    assert keys.begin("v", "k", b"body").reply_id == "r"
    assert keys.begin("key:p", "k", b"call").answer == Answer(201, "text/plain", b"ok")
    row = database.row("SELECT session_id FROM idempotency_keys WHERE visitor = 'v'")
    assert row == {"session_id": session}
    names = {row["name"] for row in database.rows("SELECT name FROM sqlite_master")}
    assert "idempotency_keys" in names and not {"idempotency", "replays"} & names
    database.close()


def test_answers_outlive_a_restart(tmp_path: Path) -> None:
    """For visitors and for programs; another body stays a conflict."""
    home, visitor = tmp_path / "home", new_id()
    app, settings = made(home)
    site = web.build(app, settings)
    key = site.team.keys.add("program", ["knowledge:write"], "test")
    programs = {"Authorization": f"Bearer {key}", "Idempotency-Key": "a"}
    pair = {"question": "Is it open?", "answer": "Yes."}
    answers = []
    for round_ in range(2):
        if round_:
            app.close()
            app = build(home, settings.models, settings.knowledge, settings.chatbot)
            site = web.build(app, settings)
        with TestClient(site.asgi, base_url="http://shop.example") as client:
            chat = client.post("/api/v1/chat", json=QUESTION, headers=headers(visitor))
            made_pair = client.post("/api/v1/approved-answers", json=pair, headers=programs)
            assert (chat.status_code, made_pair.status_code) == (200, 201)
            answers.append((chat.json(), made_pair.json()))
            for answer in (chat, made_pair):
                assert answer.headers.get("idempotency-replayed") == ("true" if round_ else None)
            other = client.post("/api/v1/approved-answers", json={**pair, "answer": "No."},
                                headers=programs)  # fmt: skip
            assert other.status_code == 422 and "another request" in other.json()["detail"]
    assert answers[0] == answers[1]
    assert [p.answer for p in app.knowledge.approved.pairs() if p.question == pair["question"]] == [
        "Yes."
    ]
    app.close()


def test_what_was_answered_about_a_visitor_goes_with_him(
    running: Running, client: TestClient
) -> None:
    """Also an answer that a program was given, whose copy holds the customer's words."""
    visitor, marker = new_id(), f"Zanzibar{new_id()[:6]}"
    asked = {"text": f"Is {marker} a kettle?"}
    reply = client.post("/api/v1/chat", json=asked, headers=headers(visitor)).json()["reply_id"]
    running.app.rate(reply, visitor, -1)
    key = running.site.team.keys.add("program", ["knowledge:write", "handovers"], "test")
    programs = {"Authorization": f"Bearer {key}", "Idempotency-Key": "a"}
    note = {"note": "The answer is right."}
    path = f"/api/v1/feedback/{reply}/dismiss"
    dismissed = client.post(path, json=note, headers=programs)
    assert marker in dismissed.text
    assert client.post(path, json=note, headers=programs).json() == dismissed.json()
    rows = "SELECT * FROM idempotency_keys WHERE instr(body, ?) OR visitor = ?"
    assert len(running.app.database.rows(rows, marker, visitor)) == 2
    running.app.erasure.erase(visitor)
    assert running.app.database.rows(rows, marker, visitor) == []
    assert marker.encode() not in running.app.database.path.read_bytes()


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
