"""The API for programs: keys and scopes, lists, errors of one form, calls that are sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.ui.conftest import Running
from ui.roles import KEY_SCOPES, ROUTES, Role
from ui.web import Web

NOBODY = "0" * 32


@pytest.fixture
def api(running: Running, client: TestClient) -> Iterator[TestClient]:
    """A program with a key that may everything."""
    client.headers["authorization"] = f"Bearer {key(running.site, *KEY_SCOPES)}"
    yield client
    del client.headers["authorization"]


def key(site: Web, *scopes: str, **more: Any) -> str:
    return site.team.keys.add(f"program {new_id()[:6]}", scopes, "test", **more)


def filled(path: str) -> str:
    return "/".join(NOBODY if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_a_route_needs_its_scope_and_no_other(
    running: Running, client: TestClient, method: str, path: str
) -> None:
    needed = ROUTES[method, path]
    others = [scope for scope in KEY_SCOPES if scope is not needed]
    for authorization, status in (
        (None, 401),
        ("Bearer zk_guess", 401),
        ("Basic eDp5", 401),
        (f"Bearer {key(running.site, *others)}", 403),
    ):
        headers = {"authorization": authorization} if authorization else {}
        answer = client.request(method, filled(path), headers=headers, json={})
        assert answer.status_code == status, (authorization, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    right = {"authorization": f"Bearer {key(running.site, needed)}"}
    answer = client.request(method, filled(path), headers=right, json={})
    assert answer.status_code not in (401, 403) and answer.status_code < 500, answer.text


def test_a_key_ends(running: Running, client: TestClient) -> None:
    keys, made = running.site.team.keys, key(running.site, "knowledge:read")
    bearer = {"authorization": f"Bearer {made}"}
    assert client.get("/api/v1/documents", headers=bearer).status_code == 200
    keys.revoke(keys.all()[0].id, "test")
    assert client.get("/api/v1/documents", headers=bearer).status_code == 401
    old = key(running.site, "knowledge:read", days=1)
    bearer = {"authorization": f"Bearer {old}"}
    assert client.get("/api/v1/documents", headers=bearer).status_code == 200
    now, keys._now = keys._now, lambda: datetime.now(UTC) + timedelta(days=2)
    assert client.get("/api/v1/documents", headers=bearer).status_code == 401
    keys._now = now


def test_a_key_never_may_more_than_its_owner(running: Running, client: TestClient) -> None:
    from tests.ui.staff import session_of

    name = f"owner-{new_id()[:6]}"
    session_of(running.site, Role.EDITOR, name)
    made = key(running.site, "knowledge:read", "knowledge:write", owner=name)
    bearer = {"authorization": f"Bearer {made}"}
    pair = {"question": f"Is {new_id()} sold?", "answer": "No."}
    assert client.post("/api/v1/approved-answers", json=pair, headers=bearer).status_code == 201
    running.site.accounts.set_role(name, Role.VIEWER, "test")
    assert client.post("/api/v1/approved-answers", json=pair, headers=bearer).status_code == 403
    assert client.get("/api/v1/approved-answers", headers=bearer).status_code == 200


def test_conversations_are_listed_filtered_and_read(running: Running, api: TestClient) -> None:
    asked = [
        running.app.assistant.reply(Incoming(text, new_id(), channel=channel, language=language))
        for text, channel, language in (
            ("Can I return opened tea?", "chat", "en"),
            ("普通快递多少钱？", "api", "zh-Hans"),
            ("MARKER-of-kettle please", "chat", "en"),
        )
    ]
    listed: list[str] = []
    after = None
    while True:
        parameters = {"limit": 1, **({"after": after} if after else {})}
        answer = api.get("/api/v1/conversations", params=parameters).json()
        listed += [c["id"] for c in answer["items"]]
        after = answer["next"]
        if after is None:
            break
    assert listed[:3] == [r.session_id for r in reversed(asked)]
    assert len(set(listed)) == len(listed)

    def ids(**wanted: str) -> list[str]:
        found = api.get("/api/v1/conversations", params=wanted).json()
        return [c["id"] for c in found["items"]]

    assert ids(text="marker-OF-kettle") == [asked[2].session_id]
    assert asked[1].session_id in ids(channel="api") and asked[0].session_id not in ids(
        channel="api"
    )
    assert ids(since="2100-01-01T00:00:00Z") == []
    assert asked[0].session_id in ids(until="2100-01-01")
    given = api.post(f"/api/v1/replies/{asked[0].id}/feedback", json={"value": -1})
    assert given.json() == {"status": "stored"}
    assert ids(rating="down") == [asked[0].session_id]
    read = api.get(f"/api/v1/conversations/{asked[0].session_id}").json()
    assert "visitor" not in read
    assert [m["role"] for m in read["messages"]] == ["user", "assistant"]
    assert read["messages"][1]["rating"] == -1 and read["messages"][1]["trace"]


@pytest.mark.parametrize(
    "parameters",
    [{"limit": 0}, {"limit": 201}, {"after": "x"}, {"after": "é"}, {"after": "eyJ9"},
     {"after": "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"}, {"state": "gone"}, {"since": "yesterday"},
     {"rating": "5"}, {"text": ""}, {"text": "x" * 201}],
)  # fmt: skip
def test_a_list_refuses_what_it_does_not_know(api: TestClient, parameters: dict[str, Any]) -> None:
    answer = api.get("/api/v1/conversations", params=parameters)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(next(iter(parameters)) if parameters else "") or (
        "query" in answer.json()["detail"]
    )


def test_a_person_answers_through_the_api(running: Running, api: TestClient) -> None:
    visitor = new_id()
    reply = running.app.assistant.reply(Incoming("Hello", visitor, language="en"))
    running.app.handovers.request(reply.session_id, visitor, HandoffReason.CUSTOMER_REQUEST)
    waiting = api.get("/api/v1/handovers").json()["items"]
    assert reply.session_id in [line["conversation_id"] for line in waiting]
    path = f"/api/v1/handovers/{reply.session_id}"
    assert api.post(f"{path}/take").json()["state"] == "person"
    assert api.get("/api/v1/handovers?queue=mine").json()["items"]
    said = api.post(f"{path}/messages", json={"text": "It ships today."})
    assert said.status_code == 201 and said.json()["role"] == "agent"
    other = {"authorization": f"Bearer {key(running.site, 'handovers')}"}
    taken = api.post(f"{path}/messages", json={"text": "Me too."}, headers=other)
    assert taken.status_code == 409 and "colleague" in taken.json()["detail"]
    closed = api.post(f"{path}/close", json={"outcome": "solved"})
    assert closed.json()["outcome"] == "solved"
    assert api.post(f"{path}/return").status_code == 409


def test_documents_come_and_go(running: Running, api: TestClient) -> None:
    file = {"file": ("../../parking.md", b"# Parking\n\nParking is free for two hours.\n")}
    added = api.post("/api/v1/documents", files=file, data={"collection": "town"})
    assert added.status_code == 201, added.text
    assert added.json()["items"][0]["document"] == "parking.md"
    assert api.post("/api/v1/documents", files=file, data={"collection": "town"}).status_code == 200
    (listed,) = api.get("/api/v1/documents?collection=town").json()["items"]
    shown = api.get(f"/api/v1/documents/{listed['id']}?passages=true").json()
    assert "two hours" in shown["passages"][0]["text"]
    history = running.app.knowledge.history(listed["id"])
    assert history[0].origin.startswith("key:")
    draft = {"file": ("ferry.md", b"# Ferry\n\nThe ferry leaves at nine.\n")}
    form = {"collection": "town", "draft": "true"}
    assert api.post("/api/v1/documents", files=draft, data=form).json()["items"][0]["draft"]
    ferry = running.app.knowledge.find("ferry.md", "town")
    published = api.post(f"/api/v1/documents/{ferry.id}/publish")
    assert published.json()["state"] == "published"
    for id_ in (listed["id"], ferry.id):
        assert api.delete(f"/api/v1/documents/{id_}").status_code == 204
        assert api.get(f"/api/v1/documents/{id_}").status_code == 404
    broken = api.post("/api/v1/documents", files={"file": ("a.pdf", b"no pdf")})
    assert broken.status_code == 422 and "a.pdf" in broken.json()["detail"]


def test_approved_answers_and_intents(running: Running, api: TestClient) -> None:
    pair = {"question": "Where is the harbour shop?", "answer": "At pier 4."}
    made = api.post("/api/v1/approved-answers", json=pair)
    assert made.status_code == 201, made.text
    path = f"/api/v1/approved-answers/{made.json()['id']}"
    assert api.patch(path, json={"answer": "At pier 5."}).json()["answer"] == "At pier 5."
    assert api.patch(path, json={"enabled": False}).json()["answers"] is False
    assert running.app.knowledge.match_faq("Where is the harbour shop?") is None
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    intents = api.get("/api/v1/intents").json()["items"]
    name = intents[0]["name"]
    text = f"my marker {new_id()} example"
    added = api.post(f"/api/v1/intents/{name}/examples", json={"texts": [text]})
    assert added.json() == {"intent": name, "added": 1}
    assert api.post("/api/v1/intents/none/examples", json={"texts": ["x y"]}).status_code == 404


def test_runs_are_promoted_only_when_they_can(api: TestClient) -> None:
    assert api.get("/api/v1/runs").json() == {"items": [], "next": None}
    assert api.post("/api/v1/runs/none/promote", json={"share": 0.5}).status_code == 404
    assert api.post("/api/v1/runs/none/promote", json={"share": 2}).status_code == 422
    assert api.post("/api/v1/runs/rollback").status_code == 404
    tagger = api.post("/api/v1/runs/rollback", params={"task": "entities"})
    assert tagger.status_code == 404 and "No tagger is promoted" in tagger.text
    assert api.post("/api/v1/runs/rollback", params={"task": "x"}).status_code == 422


def test_a_call_that_is_sent_twice_is_done_once(running: Running, api: TestClient) -> None:
    pair = {"question": f"Is {new_id()} open?", "answer": "Yes."}
    once = {"idempotency-key": new_id()}
    first = api.post("/api/v1/approved-answers", json=pair, headers=once)
    again = api.post("/api/v1/approved-answers", json=pair, headers=once)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    without = api.post("/api/v1/approved-answers", json=pair)
    assert without.status_code == 422, "the second time it is a double"
    changed = {**pair, "answer": "No."}
    assert api.post("/api/v1/approved-answers", json=changed, headers=once).status_code == 422
    other = {"authorization": f"Bearer {key(running.site, 'knowledge:write')}"}
    theirs = api.post("/api/v1/approved-answers", json=pair, headers=once | other)
    assert "idempotency-replayed" not in theirs.headers, "another program's answer"
    assert theirs.status_code == 422
    failed = {"idempotency-key": new_id()}
    bad = {"question": " ", "answer": "Yes."}
    assert api.post("/api/v1/approved-answers", json=bad, headers=failed).status_code == 422
    good = {"question": f"Is {new_id()} shut?", "answer": "No."}
    assert api.post("/api/v1/approved-answers", json=good, headers=failed).status_code == 201
    for bad_key in ("", "x" * 256, "a\tb"):
        wrong = {"idempotency-key": bad_key}
        assert api.post("/api/v1/approved-answers", json=good, headers=wrong).status_code == 422


def test_each_change_is_one_row_of_the_audit_log(running: Running, api: TestClient) -> None:
    audit = running.site.accounts.audit

    def rows() -> list[tuple[str, str, str]]:
        return [(e.action, e.object, e.request_id) for e in audit.entries(1000)]

    before = len(rows())
    secret = f"SECRET-{new_id()}"
    made = api.post("/api/v1/approved-answers", json={"question": secret, "answer": secret})
    api.get("/api/v1/approved-answers")
    api.post("/api/v1/approved-answers", json={"question": "", "answer": ""})
    assert len(rows()) == before + 1
    assert rows()[0] == ("api.POST /approved-answers", "", made.headers["x-request-id"])
    path = f"/api/v1/approved-answers/{made.json()['id']}"
    api.delete(path)
    assert rows()[0][:2] == ("api.DELETE /approved-answers/{pair_id}", made.json()["id"])
    assert audit.problems() == []
    stored = str(running.app.database.rows("SELECT * FROM audit"))
    assert secret not in stored


def test_the_documentation_names_scopes_bodies_and_errors(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    for method, path in ROUTES:
        operation = described["paths"][path][method.lower()]
        assert operation["summary"] and operation["description"]
        assert "application/problem+json" in operation["responses"]["403"]["content"]
        assert operation["security"]
    examples = [s for s in described["components"]["schemas"].values() if s.get("examples")]
    assert len(examples) >= 7
