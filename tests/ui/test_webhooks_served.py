"""Webhooks over the API, in the terminal, and by a server that is killed and started again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from tests.ui.command import Run, run
from tests.ui.conftest import Running
from tests.ui.receiver import Receiver, wait_until
from tests.ui.test_serve import command, port, wait_for
from tests.ui.test_staff_api import api
from ui.webhooks.events import TEST

__all__ = ["api", "port", "run"]
PUBLIC = "https://93.184.215.14/zhike"


def test_the_api_adds_lists_and_removes(running: Running, api: TestClient) -> None:
    secret = {"idempotency-key": "one webhook"}
    wanted = {"url": PUBLIC, "events": ["feedback.down"]}
    made = api.post("/api/v1/webhooks", json=wanted, headers=secret)
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    hook = made.json()["id"]
    again = api.post("/api/v1/webhooks", json=wanted, headers=secret)
    assert again.json() == made.json() and len(api.get("/api/v1/webhooks").json()["items"]) == 1
    (listed,) = api.get("/api/v1/webhooks").json()["items"]
    assert listed["events"] == ["feedback.down"] and "secret" not in listed
    found = api.get(f"/api/v1/webhooks/{hook}/deliveries", params={"state": "dead"}).json()
    assert found == {"items": [], "next": None}
    assert api.post(f"/api/v1/webhooks/{hook}/retry").json() == {"retried": 0}
    for bad in ("http://93.184.215.14/", "https://10.0.0.1/", "https://127.0.0.1/", "x"):
        answer = api.post("/api/v1/webhooks", json={"url": bad})
        assert answer.status_code == 422, bad
    assert api.post("/api/v1/webhooks", json={"url": PUBLIC, "events": ["x"]}).status_code == 422
    rows = [e.action for e in running.site.accounts.audit.entries(4)]
    assert rows.count("webhook.added") == 1
    assert api.delete(f"/api/v1/webhooks/{hook}").status_code == 204
    assert api.delete(f"/api/v1/webhooks/{hook}").status_code == 404
    assert api.post(f"/api/v1/webhooks/{hook}/test").status_code == 404


def test_deliveries_come_page_by_page(running: Running, api: TestClient) -> None:
    hook = api.post("/api/v1/webhooks", json={"url": PUBLIC}).json()["id"]
    for _ in range(3):
        answer = api.post("/api/v1/chat", json={"text": "Can I return opened tea?"}).json()
        rated = {"value": -1, "reason": "wrong"}
        api.post(f"/api/v1/replies/{answer['reply_id']}/feedback", json=rated)
    path, seen, after = f"/api/v1/webhooks/{hook}/deliveries", [], None
    while True:
        page = api.get(path, params={"limit": 2} | ({"after": after} if after else {})).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    assert [d["event"] for d in seen] == ["feedback.down"] * 3
    assert len({d["id"] for d in seen}) == 3 and seen[0]["state"] == "waiting"
    api.delete(f"/api/v1/webhooks/{hook}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_the_terminal_adds_tests_and_removes(
    run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("webhooks", "add", receiver.url)
    assert refused.status == 1 and "server.webhook_loopback" in refused.err
    assert "Traceback" not in refused.err and run("webhooks", "list", "--json").json == []
    monkeypatch.setenv("ZHIKE_SERVER_WEBHOOK_LOOPBACK", "on")
    made = run("webhooks", "add", receiver.url, "--event", "handover.closed", "--json").json
    assert made["events"] == ["handover.closed"]
    assert made["id"] in run("webhooks", "list").out
    assert "taken      status 204" in run("webhooks", "test", made["id"]).out
    assert receiver.got[0].body["type"] == TEST
    receiver.script = [503]
    failed = run("webhooks", "test", made["id"])
    assert failed.status == 1 and "it answered 503" in failed.err
    assert run("webhooks", "deliveries", made["id"], "--json").json == []
    assert run("webhooks", "retry", made["id"]).out == "waiting    0\n"
    assert run("webhooks", "remove", made["id"]).status == 0
    assert run("webhooks", "remove", made["id"]).status == 1
    actions = [e["action"] for e in run("audit", "list", "--json").json]
    assert actions[:2] == ["webhook.removed", "webhook.added"]


@pytest.mark.slow
def test_a_kill_loses_no_event(
    home: Path, port: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told while the receiver is down, the server is killed, both come back: it arrives once."""
    monkeypatch.setenv("ZHIKE_SERVER_WEBHOOK_LOOPBACK", "on")
    with Receiver() as first:
        address = first.url
        receiver_port = first.port
    hook = run("webhooks", "add", address, "--json").json["id"]
    url = f"http://127.0.0.1:{port}"
    process = serve(home, port)
    try:
        wait_for(url, process)
        visitor = {"X-Zhike-Visitor": "0" * 31 + "1"}
        asked = httpx.post(
            f"{url}/api/v1/chat", json={"text": "hello"}, headers=visitor, timeout=60
        )
        session = asked.json()["session_id"]
        called = httpx.post(f"{url}/api/v1/sessions/{session}/person", json={}, headers=visitor)
        assert called.json()["status"] == "waiting"
        deliveries = "webhooks", "deliveries", hook, "--json"
        wait_until(lambda: run(*deliveries).json[0]["tries"] == 1)
        process.kill()
        process.communicate()
        (waiting,) = run(*deliveries).json
        assert (waiting["state"], waiting["error"]) == ("waiting", "no connection")
        with Receiver(receiver_port) as receiver:
            process = serve(home, port)
            (got,) = receiver.wait(1, seconds=60)
            wait_until(lambda: run("webhooks", "list", "--json").json[0]["sent"] == 1)
        assert got.headers["webhook-id"] == waiting["id"] and len(receiver.got) == 1
        assert json.loads(got.raw)["data"]["conversation_id"] == session
    finally:
        process.kill()
        process.communicate()


def serve(home: Path, port: int) -> subprocess.Popen[str]:
    return command(home, port, {"ZHIKE_SERVER_WEBHOOK_LOOPBACK": "on"})
