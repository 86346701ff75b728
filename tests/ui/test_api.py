"""The public API: answers, streams, ratings, hand-over, owners, limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from chatbot.settings import ChatbotSettings
from chatbot.store import new_id
from tests.ui.conftest import Running, made
from ui import web
from ui.roles import ROUTES

OWNED: list[tuple[str, str, Any]] = [
    ("GET", "messages", None),
    ("GET", "messages?after={message}", None),
    ("GET", "handover", None),
    ("POST", "person", {}),
    ("POST", "contact", {"text": "me"}),
]
QUESTION = {"text": "Can I return opened tea?", "language": "en"}


def ask(client: TestClient, visitor: str | None = None, **fields: Any) -> dict[str, Any]:
    headers = {"X-Zhike-Visitor": visitor} if visitor else {}
    answer = client.post("/api/v1/chat", json=QUESTION | fields, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["x-zhike-visitor"] == body["visitor"]
    return body


def test_an_answer_cites_its_source(client: TestClient) -> None:
    body = ask(client)
    assert "cannot be returned" in body["reply"]
    assert body["language"] == "en"
    assert body["confidence"] in ("high", "medium", "low")
    assert body["generated_by"] == "AI"
    cited = body["citations"][0]
    assert cited["sentence"] in cited["text"]
    assert cited["document"] in ("faq.csv", "returns.md")


def test_chinese_is_answered_in_chinese(client: TestClient) -> None:
    body = ask(client, text="普通快递多少钱？", language="zh-Hans")
    assert "10 元" in body["reply"]
    assert body["language"] == "zh-Hans"


def test_no_scores_leave_the_house(client: TestClient) -> None:
    text = json.dumps(ask(client))
    for word in ("score", "cosine", "trace", "intent", "vector", "logprob"):
        assert word not in text
    schema = client.get("/api/v1/openapi.json").json()
    staffs = {path for _, path in ROUTES}  # these ask for a key
    assert sorted(set(schema["paths"]) - staffs) == [
        "/api/v1/chat",
        "/api/v1/replies/{reply_id}/rating",
        "/api/v1/sessions/{session_id}/contact",
        "/api/v1/sessions/{session_id}/handover",
        "/api/v1/sessions/{session_id}/messages",
        "/api/v1/sessions/{session_id}/person",
        "/api/v1/widget/data",
        "/api/v1/widget/messages",
        "/api/v1/widget/person",
        "/api/v1/widget/start",
        "/api/v1/widget/stop",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{model}",
    ]


def test_a_stream_ends_with_the_reply(client: TestClient) -> None:
    headers = {"accept": "text/event-stream"}
    answer = client.post("/api/v1/chat", json=QUESTION, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    names = [event[0].removeprefix("event: ") for event in events]
    assert names[-1] == "reply" and "stage" in names and "delta" in names
    final = json.loads(events[-1][1].removeprefix("data: "))
    assert "cannot be returned" in final["reply"]


def test_a_session_goes_on_for_its_visitor_only(client: TestClient) -> None:
    first = ask(client)
    again = ask(client, first["visitor"], session_id=first["session_id"])
    assert again["session_id"] == first["session_id"]
    stranger = {"X-Zhike-Visitor": new_id()}
    bodies = []
    for session in (first["session_id"], new_id()):  # another's and a missing one look alike
        body = QUESTION | {"session_id": session}
        answer = client.post("/api/v1/chat", json=body, headers=stranger)
        person = client.post(f"/api/v1/sessions/{session}/person", json={}, headers=stranger)
        assert answer.status_code == person.status_code == 404
        bodies.append(answer.json()["error"])
        for method, route, sent in OWNED:
            path = f"/api/v1/sessions/{session}/{route}".format(message=first["reply_id"])
            for headers in (stranger, {}):
                refused = client.request(method, path, json=sent, headers=headers)
                assert refused.status_code == 404, route
                assert refused.json()["error"] == bodies[0]
    assert bodies[0] == bodies[1]
    for reply in (first["reply_id"], new_id()):
        path = f"/api/v1/replies/{reply}/rating"
        assert client.post(path, json={"value": 1}, headers=stranger).status_code == 404
        assert client.post(path, json={"value": 1}).status_code == 404


def test_a_rating_is_stored(client: TestClient, running: Running) -> None:
    body = ask(client)
    headers = {"X-Zhike-Visitor": body["visitor"]}
    path = f"/api/v1/replies/{body['reply_id']}/rating"
    assert (
        client.post(path, json={"value": -1, "reason": "wrong"}, headers=headers).status_code == 200
    )
    turn = running.app.store.turns(body["session_id"])[-1]
    assert (turn.rating, turn.rating_reason) == (-1, "wrong")
    assert client.post(path, json={"value": 5}, headers=headers).status_code == 422


def test_a_person_is_called(client: TestClient, running: Running) -> None:
    body = ask(client)
    headers = {"X-Zhike-Visitor": body["visitor"]}
    path = f"/api/v1/sessions/{body['session_id']}/person"
    called = client.post(path, json={"note": "urgent"}, headers=headers)
    assert (called.status_code, called.json()["status"]) == (200, "waiting")
    waiting = [s.id for s in running.app.store.sessions() if s.waiting]
    assert body["session_id"] in waiting


def test_a_program_hears_the_agent(client: TestClient, running: Running) -> None:
    body = ask(client)
    headers = {"X-Zhike-Visitor": body["visitor"]}
    session = f"/api/v1/sessions/{body['session_id']}"
    stands = client.get(f"{session}/handover", headers=headers).json()
    assert (stands["status"], stands["position"], stands["agent"]) == ("bot", None, None)
    early = client.post(f"{session}/contact", json={"text": "me@home.example"}, headers=headers)
    assert early.status_code == 404  # nobody was called
    client.post(f"{session}/person", json={}, headers=headers)
    left = client.post(f"{session}/contact", json={"text": "me@home.example"}, headers=headers)
    assert left.json()["contact"] is True
    assert left.json()["position"] >= 1
    office = left.json()["office"]
    assert (office["open"], office["hours"], office["time_zone"]) == (True, [], "UTC")
    running.app.handovers.rename("kim", "Kim")
    running.app.handovers.note(body["session_id"], "kim", "SECRET")
    said = running.app.handovers.say(body["session_id"], "kim", "Hello!")
    path = f"{session}/messages"
    heard = client.get(f"{path}?after={body['reply_id']}", headers=headers).json()["messages"]
    assert heard == [
        {"message_id": said.id, "role": "agent", "author": "Kim", "text": "Hello!",
         "created": said.created}
    ]  # fmt: skip
    assert client.get(f"{path}?after={said.id}", headers=headers).json() == {"messages": []}
    assert [m["role"] for m in client.get(path, headers=headers).json()["messages"]] == [
        "user",
        "assistant",
        "agent",
    ]
    assert client.get(f"{path}?after={new_id()}", headers=headers).status_code == 404
    silent = ask(client, body["visitor"], session_id=body["session_id"])
    assert (silent["action"], silent["reply"]) == ("wait", "")
    running.app.handovers.close(body["session_id"], "kim", "solved")
    stands = client.get(f"{session}/handover", headers=headers).json()
    assert (stands["status"], stands["outcome"]) == ("closed", "solved")
    late = client.post(f"{session}/contact", json={"text": "me"}, headers=headers)
    assert late.status_code == 409
    for bad in ({}, {"text": " "}, {"text": "x" * 201}, {"text": "x", "k": 1}):
        assert client.post(f"{session}/contact", json=bad, headers=headers).status_code == 422


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "   "}, {"text": "x" * 2001}, {"text": 5}, {"text": "x", "k": 1},
     {"text": "x", "language": "fr"}, {"text": "\ud800"}, {"text": "x", "session_id": ["a"]}],
)  # fmt: skip
def test_bad_questions_are_refused_with_a_sentence(
    client: TestClient, body: dict[str, Any]
) -> None:
    answer = client.post("/api/v1/chat", content=json.dumps(body))
    assert answer.status_code == 422
    members = {"type", "title", "status", "detail", "error", "request_id"}
    assert set(answer.json()) == members
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_guessable_visitor_is_refused(client: TestClient) -> None:
    for visitor in ("1", "a" * 31, "A" * 32, "../" * 11):
        headers = {"X-Zhike-Visitor": visitor}
        assert client.post("/api/v1/chat", json=QUESTION, headers=headers).status_code == 400


def test_probes(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["index"]


def test_not_ready_while_the_database_cannot_be_written(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    client = TestClient(web.build(app, settings).asgi)
    app.database.here.execute("DROP TABLE probe")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert client.get("/healthz").status_code == 200
    app.close()


def test_not_ready_without_a_usable_index(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home")
    client = TestClient(web.build(app, settings).asgi)
    app.knowledge._index.state = "rebuilt at start: its file was damaged"
    assert client.get("/readyz").status_code == 200
    app.knowledge._index.state = "damaged"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert "damaged" in answer.json()["problems"][-1]
    app.close()


def test_the_longest_question_is_a_setting(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home", ChatbotSettings(generator="none", max_question=9_000))
    client = TestClient(web.build(app, settings).asgi)
    assert client.post("/api/v1/chat", json={"text": "茶" * 9_000}).status_code == 200
    answer = client.post("/api/v1/chat", json={"text": "茶" * 9_001})
    assert (answer.status_code, "9000" in answer.json()["error"]) == (422, True)
    app.close()


def test_limits_answer_429(tmp_path: Path) -> None:
    app, settings = made(
        tmp_path / "home",
        per_visitor_minute=2,
        per_address_minute=5,
        public_origins=("https://shop.example",),
    )
    client = TestClient(web.build(app, settings).asgi)
    visitor = {"X-Zhike-Visitor": new_id()}
    greeting = {"text": "hello"}
    codes = [client.post("/api/v1/chat", json=greeting, headers=visitor) for _ in range(3)]
    assert [answer.status_code for answer in codes] == [200, 200, 429]
    assert 0 < int(codes[-1].headers["retry-after"]) <= 60
    others = [client.post("/api/v1/chat", json=greeting).status_code for _ in range(4)]
    assert others == [200, 200, 429, 429]  # the address has had its five
    shop = client.post("/api/v1/chat", json=greeting, headers={"origin": "https://shop.example"})
    assert shop.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in shop.headers
    app.close()


def test_a_crowd_is_told_to_wait_on_every_channel(tmp_path: Path) -> None:
    """Before anything is stored, in a status or a sentence; then everything goes on."""
    app, settings = made(tmp_path / "home")
    client = TestClient(web.build(app, settings).asgi)
    crowd = app.assistant.crowd
    visitor = {"X-Zhike-Visitor": new_id()}
    completion = {"model": "zhike", "messages": [{"role": "user", "content": "hello"}]}
    asked = [
        ("/api/v1/chat", {"text": "hello"}, visitor),
        ("/api/v1/chat", {"text": "hello"}, visitor | {"Accept": "text/event-stream"}),
        ("/api/v1/chat", {"text": "hello"}, visitor | {"Idempotency-Key": "once"}),
        ("/v1/chat/completions", completion, visitor),
        ("/v1/chat/completions", completion | {"stream": True}, visitor),
        ("/api/v1/widget/messages", {"text": "hello"}, visitor),
    ]
    held = [crowd._enter() for _ in range(crowd._at_once)]
    crowd._took.extend([30.0] * 32)
    for path, body, headers in asked:
        answer = client.post(path, json=body, headers=headers)
        assert answer.status_code in (429, 503), path
        assert "any people are asking right now" in answer.text
        if "widget" not in path:
            assert int(answer.headers["retry-after"]) > 2
    assert app.database.row("SELECT count(*) AS n FROM messages") == {"n": 0}
    for place in held:
        place.leave()
    for path, body, headers in asked:
        answer = client.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    app.close()
