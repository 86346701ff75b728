"""Who may come in, from where, with what; and what every answer carries."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from chatbot.settings import ChatbotSettings
from knowledge.settings import KnowledgeSettings
from tests.ui.conftest import PASSWORD, Running, made
from ui import web
from ui.guard import BODY

CALLS = int(os.environ.get("ZHIKE_CALLS", "400"))  # random ones, to both pages together
GUESSES = 200  # wrong passwords
PUBLIC = {
    "/healthz",
    "/readyz",
    "/ui-static/{path}",
    "/api/v1/chat",
    "/api/v1/openapi.json",
    "/api/v1/replies/{reply_id}/rating",
    "/api/v1/sessions/{session_id}/person",
    "/api/v1/sessions/{session_id}/contact",
    "/api/v1/sessions/{session_id}/handover",
    "/api/v1/sessions/{session_id}/messages",
    "/v1/chat/completions",
    "/v1/models",
    "/v1/models/{model}",
    "/widget",
    "/widget.js",
    "/my-data.json",  # of whoever asks: the visitor in the cookie
    "/api/v1/widget/start",
    "/api/v1/widget/messages",
    "/api/v1/widget/person",
    "/api/v1/widget/stop",
    "/api/v1/widget/data",
    "/desk/login",
    "/desk/setup",
    # Gradio's page for customers: everything that it needs, and nothing more
    "/",
    "/config",
    "/config/",
    "/theme.css",
    "/favicon.ico",
    "/manifest.json",
    "/robots.txt",
    "/assets/{path:path}",
    "/static/{path:path}",
    "/svelte/{path:path}",
    "/gradio_api/info",
    "/gradio_api/info/",
    "/gradio_api/theme.css",
    "/gradio_api/startup-events",
    "/gradio_api/app_id",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/reset/",
    "/gradio_api/heartbeat/{session_hash}",
}
CLOSED = {401, 403, 404}


def walk(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every (method, path) that the application would serve."""
    for route in routes:
        if isinstance(route, Mount):
            inner = getattr(route.app, "routes", None)
            if inner:
                yield from walk(inner, prefix + route.path)
            else:
                yield "GET", prefix + route.path + "/{path}"
        elif isinstance(route, Route):
            for method in route.methods or {"GET"}:
                yield method, prefix + route.path
        elif included := getattr(route, "original_router", None):  # FastAPI's include_router
            yield from walk(included.routes, prefix)
        else:
            raise AssertionError(f"{route!r}: a kind of route that this walk does not know")


def test_every_route_that_is_not_public_denies_anon(running: Running, client: TestClient) -> None:
    routes = set(walk(list(running.site.routes.routes)))
    assert len(routes) > 100, "the walk found too little to mean anything"
    open_ones = []
    for method, path in sorted(routes):
        if path in PUBLIC or method in ("HEAD", "OPTIONS"):
            continue
        filled = path.replace("{path:path}", "x").replace("{", "").replace("}", "")
        answer = client.request(method, filled, json={})
        if answer.status_code not in CLOSED:
            open_ones.append((method, path, answer.status_code))
    assert open_ones == []


@pytest.mark.parametrize(
    "path",
    ["/desk/config", "/desk/gradio_api/info", "/desk/gradio_api/upload", "/desk/theme.css",
     "/desk/gradio_api/queue/data?session_hash=x", "/desk/assets/x.js"],
)  # fmt: skip
def test_the_desk_is_closed_to_anon(client: TestClient, path: str) -> None:
    for method in ("GET", "POST"):
        assert client.request(method, path).status_code in (401, 403)
    page = client.get("/desk/", headers={"accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/desk/login")


def test_a_planted_or_ended_cookie_opens_nothing(running: Running, staff: TestClient) -> None:
    assert staff.get("/desk/config").status_code == 200
    session = staff.cookies["zhike_desk"]
    assert staff.post("/desk/logout", follow_redirects=False).status_code == 303
    staff.cookies.clear()
    for cookie in (session, "planted", "", "a" * 5000):
        assert (
            staff.get("/desk/config", headers={"cookie": f"zhike_desk={cookie}"}).status_code == 401
        )


def test_the_second_lock_holds_without_the_guard(running: Running) -> None:
    inner = TestClient(running.site.routes, raise_server_exceptions=False)
    for path in ("/desk/", "/desk/config", "/desk/gradio_api/info"):
        assert inner.get(path).status_code == 401
    assert inner.post("/desk/gradio_api/upload", files={"files": b"x"}).status_code == 401
    assert inner.post("/desk/gradio_api/queue/join", json={"data": []}).status_code == 401


def test_customers_cannot_upload_or_read_files(running: Running, client: TestClient) -> None:
    secret = running.app.database.path
    files = {"files": ("a.txt", b"x")}
    assert client.post("/gradio_api/upload", files=files).status_code == 404
    for path in (
        f"/gradio_api/file={secret}",
        "/gradio_api/proxy=http://evil.example/",
        f"/file={secret}",
    ):
        assert client.get(path).status_code == 404


def spellings() -> list[str]:
    """Ways to say ../ to a server."""
    ups = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..\\", "..%5c", "%252e%252e%252f", "....//",
           "..;/", "%c0%ae%c0%ae/", "..%00/", ".%2e/"]  # fmt: skip
    roots = [
        "/assets/",
        "/static/",
        "/svelte/",
        "/ui-static/",
        "/gradio_api/file=",
        "/desk/assets/",
    ]
    return [f"{root}{up * 8}etc/passwd" for root in roots for up in ups]


@pytest.mark.parametrize("path", spellings())
def test_traversal_never_finds_a_file(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code != 200
    assert b"root:" not in answer.content


def test_other_sites_cannot_act(client: TestClient) -> None:
    evil = {"origin": "https://evil.example"}
    for path in ("/api/v1/chat", "/gradio_api/queue/join", "/desk/login", "/desk/logout"):
        answer = client.post(path, json={"text": "hi"}, headers=evil)
        assert answer.status_code == 403, path
        assert not [h for h in answer.headers if h.startswith("access-control-allow")]
        preflight = {**evil, "access-control-request-method": "POST"}
        answer = client.options(path, headers=preflight)
        assert "access-control-allow-origin" not in answer.headers
    for path in ("/", "/config", "/healthz", "/desk/login"):
        answer = client.get(path, headers=evil)
        assert not [h for h in answer.headers if h.startswith("access-control-allow")]
    cross = client.post("/desk/login", data={}, headers={"sec-fetch-site": "cross-site"})
    null = client.post("/desk/login", data={}, headers={"origin": "null"})
    assert cross.status_code == null.status_code == 403


def test_the_own_origin_may_act(client: TestClient) -> None:
    own = {"origin": "http://shop.example", "sec-fetch-site": "same-origin"}
    answer = client.post("/desk/login", data={"password": "wrong"}, headers=own)
    assert answer.status_code == 403
    assert "<form" in answer.text  # refused by the page, not by the guard


def test_large_bodies_are_refused(client: TestClient) -> None:
    big = b'{"text": "' + b"x" * BODY + b'"}'
    for path in ("/api/v1/chat", "/gradio_api/queue/join", "/desk/login"):
        assert client.post(path, content=big).status_code == 413
        chunked = client.post(path, content=iter([big[:1000], big[1000:]]))
        assert chunked.status_code == 413
    lied = client.post("/api/v1/chat", content=b"{}", headers={"content-length": "99999999999"})
    assert lied.status_code == 413


BODIES = [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"\x00", b'{"text": "\xff"}',
    b'{"text": "\\ud800"}', b'{"data": null}', b'{"fn_index": 99999, "data": []}',
    b'{"fn_index": -1, "data": []}', b'{"fn_index": "x", "data": {}}', b'{"fn_index": 0}',
    b'{"data": [], "fn_index": 0, "session_hash": 5}', b"[" * 5000,
    b'{"fn_index": 1, "data": [1,2,3,4,5,6,7,8,9], "session_hash": "a", "trigger_id": null}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=[str(b[:40]) for b in BODIES])
def test_malformed_bodies_are_4xx_with_one_sentence(client: TestClient, body: bytes) -> None:
    paths = ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset", "/api/v1/chat",
             "/api/v1/replies/x/rating", "/desk/login", "/desk/setup")  # fmt: skip
    for path in paths:
        for kind in ("application/json", "text/plain", "multipart/form-data", ""):
            answer = client.post(path, content=body, headers={"content-type": kind})
            assert answer.status_code < 500, (path, kind)
            assert "Traceback" not in answer.text


@pytest.mark.parametrize("page", ["", "/desk"])
def test_random_calls_never_end_in_5xx(client: TestClient, staff: TestClient, page: str) -> None:
    """Of the customers' page, and of the desk by an admin."""
    random.seed(7)
    values: list[object] = [None, -1, 0, 7, 1e9, "x", "é" * 9, [], {}, [[1]], True, "../", "\x00"]
    keys = ["data", "fn_index", "session_hash", "trigger_id", "event_id", "event_data", "text"]
    for _ in range(CALLS // 2):
        body = {key: random.choice(values) for key in random.sample(keys, 4)}
        path = random.choice(["/queue/join", "/cancel", "/reset", "/component_server", "/run/x"])
        path = f"{page}/gradio_api{path}"
        answer = (staff if page else client).post(path, content=json.dumps(body))
        assert answer.status_code < 500, (path, body)
        assert "Traceback" not in answer.text


def test_every_answer_carries_the_headers(client: TestClient) -> None:
    for path in ("/", "/config", "/healthz", "/desk/login", "/desk", "/nothing", "/api/v1/chat"):
        headers = client.get(path, headers={"accept": "*/*"}).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "object-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert headers["x-request-id"]


def test_cookies_are_bound(running: Running, client: TestClient) -> None:
    cookie = client.get("/").headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    secure = TestClient(running.site.asgi, base_url="https://shop.example")
    assert "; Secure" in secure.get("/").headers["set-cookie"]


def test_wrong_logins_are_limited(client: TestClient) -> None:
    answers = [client.post("/desk/login", data={"password": "wrong"}) for _ in range(GUESSES)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= GUESSES - 10, "each of the others was hashed"
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)


def test_the_size_of_an_upload_is_a_setting(tmp_path: Path) -> None:
    app, settings = made(tmp_path / "home", knowledge=KnowledgeSettings(max_file_mb=1))
    site = web.build(app, settings)
    token = site.accounts.setup_token()
    assert token is not None
    client = TestClient(site.asgi, base_url="http://shop.example", raise_server_exceptions=False)
    client.cookies.set("zhike_desk", site.accounts.set_up(token, PASSWORD, "here"))
    codes = []
    for size in (1 << 20, (1 << 20) + 1, 3 << 20):
        files = {"files": ("a.txt", b"x" * size)}
        codes.append(client.post("/desk/gradio_api/upload", files=files).status_code)
    assert codes[0] == 200
    assert codes[1] in (400, 413) and codes[2] == 413
    app.close()


def test_a_body_has_room_for_the_longest_question(tmp_path: Path) -> None:
    settings = ChatbotSettings(generator="none", max_question=50_000)
    app, everything = made(tmp_path / "home", settings)
    client = TestClient(web.build(app, everything).asgi, base_url="http://shop.example")
    escaped = json.dumps({"text": "茶" * 50_001})  # 300 KB
    assert client.post("/api/v1/chat", content=escaped).status_code == 422
    app.close()
