"""What is whose: two visitors against every route that takes an id; forms, cookies, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.ui.conftest import PASSWORD, Running
from tests.ui.staff import session_of
from tests.ui.test_guard import spellings, walk
from ui.roles import ROUTES, Role

TAKEN: dict[tuple[str, str], dict[str, Any] | None] = {  # what visitors call with an id, and how
    ("POST", "/api/v1/replies/{reply_id}/rating"): {"value": 1},
    ("POST", "/api/v1/sessions/{session_id}/person"): {"note": "x"},
    ("POST", "/api/v1/sessions/{session_id}/contact"): {"text": "ann@home.example"},
    ("GET", "/api/v1/sessions/{session_id}/handover"): None,
    ("GET", "/api/v1/sessions/{session_id}/messages"): None,
}


@pytest.fixture
def tenants(running: Running) -> Iterator[dict[str, tuple[str, str, str]]]:
    """Two visitors, each with a conversation, a reply and a call for a person."""
    made = {}
    for name in ("one", "two"):
        visitor = new_id()
        reply = running.app.assistant.reply(Incoming("Hello", visitor, language="en"))
        reason = HandoffReason.CUSTOMER_REQUEST
        running.app.handovers.request(reply.session_id, visitor, reason)
        made[name] = (visitor, reply.session_id, reply.id)
    yield made


def test_every_route_with_an_id_is_in_the_matrix(running: Running) -> None:
    with_ids = {
        (method, path)
        for method, path in walk(list(running.site.routes.routes))
        if path.startswith("/api/v1/") and "{" in path and method != "HEAD"
    }
    assert with_ids - set(ROUTES) == set(TAKEN)


@pytest.mark.parametrize(("method", "path"), sorted(TAKEN))
def test_another_visitors_thing_is_as_missing_as_none(
    client: TestClient, tenants: dict[str, tuple[str, str, str]], method: str, path: str
) -> None:
    def call(visitor: str, session: str, reply: str) -> tuple[int, dict[str, Any]]:
        filled = path.replace("{session_id}", session).replace("{reply_id}", reply)
        headers = {"x-zhike-visitor": visitor}
        answer = client.request(method, filled, headers=headers, json=TAKEN[method, path])
        said = answer.json()
        said.pop("request_id", None)
        return answer.status_code, said

    for mine, theirs in (("one", "two"), ("two", "one")):
        assert call(*tenants[mine])[0] == 200
        visitor = tenants[mine][0]
        other = call(visitor, *tenants[theirs][1:])
        missing = call(visitor, new_id(), new_id())
        assert other == missing
        assert other[0] == 404


def test_a_chat_goes_on_only_in_the_own_session(
    client: TestClient, tenants: dict[str, tuple[str, str, str]]
) -> None:
    headers = {"x-zhike-visitor": tenants["one"][0]}
    said = []
    for session in (tenants["two"][1], new_id()):
        body = {"text": "and then?", "session_id": session}
        answer = client.post("/api/v1/chat", json=body, headers=headers)
        said.append((answer.status_code, answer.json()["detail"]))
    assert said[0] == said[1] and said[0][0] == 404


def test_a_planted_session_is_worth_nothing_after_the_login(
    running: Running, client: TestClient
) -> None:
    session_of(running.site, Role.VIEWER)  # so that there is a log-in at all
    running.site.accounts._address.forget("testclient")
    planted = "p" * 43
    client.cookies.set("zhike_desk", planted)
    form = {"name": "admin", "password": PASSWORD}
    answer = client.post("/desk/login", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    (given,) = re.findall(r"zhike_desk=([^;]+);", answer.headers["set-cookie"])
    assert given != planted
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    client.cookies.clear()
    for cookie, status in ((planted, 401), (given, 200)):
        headers = {"cookie": f"zhike_desk={cookie}"}
        assert client.get("/desk/config", headers=headers).status_code == status
    client.post("/desk/logout", headers={"cookie": f"zhike_desk={given}"}, follow_redirects=False)
    headers = {"cookie": f"zhike_desk={given}"}
    assert client.get("/desk/config", headers=headers).status_code == 401, "replayed"


def test_invitation_and_password_pages(running: Running, client: TestClient) -> None:
    session_of(running.site, Role.VIEWER)
    limit = running.site.accounts._address
    name = f"guest-{new_id()[:6]}"
    token = running.site.team.invites.invite(name, Role.AGENT, "admin")
    page = client.get(f"/desk/invite?token={token}")
    assert page.status_code == 200 and name in page.text
    assert client.get("/desk/invite?token=<script>").status_code == 403
    limit.forget("testclient")
    form = {"token": token, "password": PASSWORD, "again": PASSWORD, "shown": "Guest <b>G</b>"}
    differs = client.post("/desk/invite", data=form | {"again": "x"})
    assert differs.status_code == 403 and "differ" in differs.text
    entered = client.post("/desk/invite", data=form, follow_redirects=False)
    assert entered.status_code == 303, entered.text
    assert running.app.handovers.name(name) == "Guest <b>G</b>"
    assert client.post("/desk/invite", data=form).status_code == 403, "used already"
    (session,) = re.findall(r"zhike_desk=([^;]+);", entered.headers["set-cookie"])
    limit.forget("testclient")
    client.cookies.clear()
    headers = {"cookie": f"zhike_desk={session}"}
    new = {"old": PASSWORD, "password": PASSWORD + " anew", "again": PASSWORD + " anew"}
    wrong = client.post("/desk/password", data=new | {"old": "x"}, headers=headers)
    assert wrong.status_code == 403
    changed = client.post("/desk/password", data=new, headers=headers, follow_redirects=False)
    assert changed.status_code == 303
    assert client.get("/desk/config", headers=headers).status_code == 401, "the old session"
    client.cookies.clear()
    for method in ("GET", "POST"):
        assert client.request(method, "/desk/password").status_code == 401


def test_no_way_of_spelling_finds_the_database(running: Running, client: TestClient) -> None:
    """60 spellings and more of a real file in the home."""
    canary = running.app.database.path
    assert canary.is_file()
    paths = [p.replace("etc/passwd", str(canary).lstrip("/")) for p in spellings()]
    paths += [f"/{root}{canary}" for root in ("file=", "gradio_api/file=", "static/", "svelte/")]
    assert len(paths) > 60
    for path in paths:
        answer = client.get(path)
        assert answer.status_code != 200, path
        assert b"SQLite format" not in answer.content


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_no_other_site_can_use_the_routes_of_programs(
    client: TestClient, method: str, path: str
) -> None:
    evil = {"origin": "https://evil.example", "host": "bot.example"}
    filled = path.replace("{", "").replace("}", "")
    answer = client.request(method, filled, headers=evil)
    assert not [h for h in answer.headers if h.startswith("access-control-allow")]
    if method != "GET":
        assert answer.status_code == 403
        assert "another site" in answer.json()["detail"]
