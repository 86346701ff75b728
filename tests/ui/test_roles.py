"""What each role may do: every event of the desk, every download, every route of programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.ui.conftest import Running
from tests.ui.desk import Desk
from tests.ui.staff import session_of
from tests.ui.test_customer import Browser
from tests.ui.test_guard import walk
from ui import roles
from ui.accounts import Accounts
from ui.guard import Guard
from ui.roles import DESK, FILES, KEY_SCOPES, ROLES, ROUTES, Role, Scope, may

REACHED = 299  # what the application behind the guard answers


async def behind(scope: Any, receive: Any, send: Any) -> None:
    """Says that a call came through."""
    await send({"type": "http.response.start", "status": REACHED, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def sessions(running: Running) -> dict[Role, str]:
    return {role: session_of(running.site, role) for role in Role}


@pytest.fixture(scope="module")
def functions(running: Running) -> dict[int, roles.Event]:
    """The functions of the desk as the running page has them."""
    desk: Any = next(
        getattr(r, "app", None)
        for r in running.site.routes.routes
        if getattr(r, "path", "") == "/desk"
    )
    blocks = desk.get_blocks()
    return {n: roles.event(f.fn) for n, f in blocks.fns.items() if f.fn is not None}


@pytest.fixture
def alone(running: Running) -> Iterator[TestClient]:
    """The guard of the running site, with nothing behind it."""
    guard: Guard = running.site.asgi
    kept, guard._app = guard._app, behind
    yield TestClient(guard, base_url="http://shop.example")
    guard._app = kept


def test_every_file_of_desk_events_has_a_row(functions: dict[int, roles.Event]) -> None:
    assert len(functions) > 100, "the walk found too little to mean anything"
    assert {event.name.split(".")[0] for event in functions.values()} == set(DESK)
    called = {event.name for event in functions.values()}
    readers = {f"{f}.{name}" for f, row in DESK.items() for name in row.readers | row.ticks}
    assert readers <= called, "a reader that does not exist any more"


@pytest.mark.parametrize("role", Role)
def test_every_event_of_the_desk_follows_the_table(
    role: Role,
    alone: TestClient,
    sessions: dict[Role, str],
    functions: dict[int, roles.Event],
) -> None:
    alone.cookies.set("zhike_desk", sessions[role])
    passed = {}
    for number, event in functions.items():
        body = {"fn_index": number, "data": [], "session_hash": "a"}
        answer = alone.post("/desk/gradio_api/queue/join", json=body)
        assert answer.status_code in (REACHED, 403), event
        passed[event.name] = answer.status_code == REACHED
    assert passed == {e.name: may(role, e.scope) for e in functions.values()}
    strange: list[Any] = [-1, 99_999, True, "3", 3.0, None, [], "x"]
    for number in strange:
        body = {"fn_index": number, "data": [], "session_hash": "a"}
        answer = alone.post("/desk/gradio_api/queue/join", json=body)
        assert answer.status_code == 400, number


@pytest.mark.parametrize(
    ("role", "closed"),
    [
        (Role.VIEWER, ["upload._added", "document_life._removed", "inbox._sent", "inbox._read",
                       "approved._saved", "intents._saved", "training._promoted",
                       "suggested._added", "training._started", "people._invited",
                       "keys_card._added", "audit_card.fill", "health._rebuilt",
                       "collections._taken"]),
        (Role.AGENT, ["upload._added", "document_life._removed", "approved._deleted",
                      "suggested._added",
                      "training._promoted", "training.<lambda>", "people._disabled"]),
        (Role.EDITOR, ["inbox._sent", "inbox._read", "people._role_set", "keys_card._added"]),
    ],
)  # fmt: skip
def test_what_must_be_closed_is(
    role: Role, closed: list[str], functions: dict[int, roles.Event]
) -> None:
    """Written down once more, so that a slip in the table is seen."""
    scopes = {event.name: event.scope for event in functions.values()}
    assert [name for name in closed if may(role, scopes[name])] == []
    own = [name for name, scope in scopes.items() if may(role, scope)]
    assert {"documents._listed", "conversations._show", "desk.fill"} <= set(own)


def test_a_file_without_a_row_is_for_admins() -> None:
    def handler() -> None: ...

    handler.__module__ = "ui.pages.brand_new"
    event = roles.event(handler)
    assert event.scope is Scope.ADMIN and event.changes
    assert [role for role in Role if may(role, event.scope)] == [Role.ADMIN]
    handler.__module__ = "ui.pages.documents"
    handler.__qualname__ = "DocumentsTab._brand_new"
    assert roles.event(handler).scope is Scope.KNOWLEDGE_WRITE


@pytest.mark.parametrize("role", Role)
def test_downloads_and_uploads_follow_the_table(
    role: Role, alone: TestClient, sessions: dict[Role, str]
) -> None:
    alone.cookies.set("zhike_desk", sessions[role])
    for path, scopes in FILES.items():
        allowed = any(may(role, scope) for scope in scopes)
        method = "POST" if path.endswith("/upload") else "GET"
        assert (alone.request(method, path).status_code == REACHED) is allowed, path


def test_the_second_lock_holds_without_the_guard(
    running: Running, sessions: dict[Role, str], functions: dict[int, roles.Event]
) -> None:
    """An agent's call of an admin's function that came past the guard fails in the function."""
    number = next(n for n, e in functions.items() if e.name == "people._invited")
    before = running.site.team.invites.all()

    async def call() -> str:
        inner = httpx.ASGITransport(app=running.site.routes, raise_app_exceptions=False)
        cookies = {"zhike_desk": sessions[Role.AGENT]}
        async with httpx.AsyncClient(
            transport=inner, base_url="http://shop.example/desk/gradio_api", cookies=cookies
        ) as client:
            body = {"fn_index": number, "data": ["eve", "admin", "en"], "session_hash": "eve"}
            joined = await client.post("/queue/join", json=body)
            assert joined.status_code == 200
            answer = await client.get("/queue/data", params={"session_hash": "eve"})
            return answer.text

    said = asyncio.run(call())
    assert "Your role does not allow this" in said
    assert running.site.team.invites.all() == before


def test_a_role_sees_its_tabs_and_buttons(running: Running) -> None:
    def greeted(role: Role) -> str:
        browser = Browser(running.url, "/desk", session_of(running.site, role))
        numbers = [d["id"] for d in browser.config["dependencies"] if ["load"] in
                   [t[1:] for t in d["targets"]]]  # fmt: skip
        return "".join(browser.call(number, [] if number == max(numbers) else [""])
                       for number in numbers)  # fmt: skip

    closed, hidden = '"interactive":false', "hide-"
    admin, viewer = (greeted(r).replace("\\", "") for r in (Role.ADMIN, Role.VIEWER))
    assert hidden not in admin and closed not in admin
    assert "hide-inbox hide-people" in viewer
    assert viewer.count(closed) > 10


def test_fields_beside_closed_buttons_cannot_be_filled_in(running: Running) -> None:
    used = ["upload", "upload-folder", "upload-replaced", "collection", "as-draft", "valid-from"]
    used += ["pair-question", "feedback-answer", "feedback-note", "intent-name", "lesson-note"]
    asked = ["filter-text", "query", "bench-collection", "version", "pair-wanted", "intent-text"]
    asked += ["feedback-state", "complaints", "insight-days", "sessions", "collections-name"]
    for role, closed in ((Role.VIEWER, True), (Role.EDITOR, False)):
        page = Desk(running, role)
        page.open()
        for element in used:
            assert page.closed(element) is closed, (role, element)
        assert not any(page.closed(element) for element in asked), role
        assert page.closed("add") is closed
        page.http.close()


def test_the_tick_of_a_page_tells_a_viewer_nothing(
    running: Running, functions: dict[int, roles.Event]
) -> None:
    number = next(n for n, e in functions.items() if e.name == "inbox._look")
    visitor = new_id()
    reply = running.app.assistant.reply(Incoming("Hello", visitor, language="en"))
    reason = HandoffReason.CUSTOMER_REQUEST
    running.app.handovers.request(reply.session_id, visitor, reason)
    said = {}
    for role in (Role.AGENT, Role.VIEWER, Role.EDITOR):
        browser = Browser(running.url, "/desk", session_of(running.site, role))
        said[role] = browser.call(number, [None, None, "waiting", None, "en"])
    assert reply.session_id in said[Role.AGENT]
    for role in (Role.VIEWER, Role.EDITOR):
        assert reply.session_id not in said[role]


def test_a_tab_is_filled_only_for_those_who_may_see_it(running: Running) -> None:
    """The one call that fills all tabs leaves out what the role may not read."""
    browser = Browser(running.url, "/desk", session_of(running.site, Role.VIEWER))
    filling = [
        d["id"]
        for d in browser.config["dependencies"]
        if d["targets"] == [[None, "then"]] and len(d["outputs"]) > 25
    ]
    assert filling
    shown = browser.call(filling[0], ["en"])
    assert "multilingual-e5-small" in shown  # health
    assert "invite.accepted" not in shown  # the audit log
    admin = Browser(running.url, "/desk", session_of(running.site, Role.ADMIN))
    assert "invite.accepted" in admin.call(filling[0], ["en"])


def test_a_disabled_account_is_out_at_the_next_call(running: Running) -> None:
    name = f"gone-{new_id()[:6]}"
    session = session_of(running.site, Role.EDITOR, name)
    key = running.site.team.keys.add("program", ["knowledge:read"], "admin", owner=name)
    cookies = {"zhike_desk": session}
    bearer = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=running.url, cookies=cookies) as client:
        assert client.get("/desk/config").status_code == 200
        assert client.get("/api/v1/documents", headers=bearer).status_code == 200
        running.site.accounts.disable(name, "admin")
        assert client.get("/desk/config").status_code == 401
        assert client.get("/api/v1/documents", headers=bearer).status_code == 401
    with httpx.Client(base_url=running.url) as client:
        from tests.ui.conftest import PASSWORD

        form = {"name": name, "password": PASSWORD}
        assert client.post("/desk/login", data=form).status_code in (403, 429)


def test_another_role_counts_from_the_next_call_on(
    running: Running, functions: dict[int, roles.Event]
) -> None:
    name = f"moved-{new_id()[:6]}"
    browser = Browser(running.url, "/desk", session_of(running.site, Role.ADMIN, name))
    number = next(n for n, e in functions.items() if e.name == "audit_card._verified")
    assert "No row was changed" in browser.call(number, ["en"])
    running.site.accounts.set_role(name, Role.VIEWER, "admin")
    body = {"fn_index": number, "data": ["en"], "session_hash": "a"}
    answer = browser.http.post("/desk/gradio_api/queue/join", json=body)
    assert answer.status_code == 403
    assert "role" in answer.json()["detail"]


def test_the_last_admin_stays(accounts: Accounts) -> None:
    from ui.accounts import AccountError

    with pytest.raises(AccountError, match="only admin left"):
        accounts.disable("admin", "admin")
    with pytest.raises(AccountError, match="only admin left"):
        accounts.set_role("admin", Role.VIEWER, "admin")


@pytest.fixture
def accounts(tmp_path: Any) -> Iterator[Accounts]:
    from knowledge.database import Database
    from tests.ui.conftest import PASSWORD

    database = Database(tmp_path / "zhike.db")
    made = Accounts(database)
    token = made.setup_token()
    assert token
    made.set_up(token, PASSWORD, "here")
    yield made
    database.close()


def test_every_route_of_programs_has_a_row_and_no_other(running: Running) -> None:
    public = {"chat", "openapi.json", "sessions", "rating", "models", "completions", "widget"}
    found = {
        (method, path)
        for method, path in walk(list(running.site.routes.routes))
        if path.startswith("/api/v1/") and method != "HEAD"
        and not public & set(path.split("/"))
    }  # fmt: skip
    assert found == set(ROUTES)
    assert all(scope in KEY_SCOPES for scope in ROUTES.values())


def test_roles_are_nested_where_people_expect_it() -> None:
    assert ROLES[Role.VIEWER] < ROLES[Role.AGENT] < ROLES[Role.ADMIN]
    assert ROLES[Role.VIEWER] < ROLES[Role.EDITOR] < ROLES[Role.ADMIN]
    assert json.dumps(sorted(Scope))  # plain words
