"""The chat page over Gradio's own protocol: as a browser calls it, and as an attacker would."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from chatbot.store import new_id
from knowledge.knowledge_base import KnowledgeBase
from tests.ui.conftest import Running


@dataclass(slots=True)
class Browser:
    """One visitor: a cookie jar and a Gradio session."""

    url: str
    page: str = ""  # "" the customers', "/desk" the staff's
    cookie: str = ""  # of the staff
    session_hash: str = field(default_factory=lambda: new_id()[:11])
    http: httpx.Client = field(init=False)
    config: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=60)
        if self.cookie:
            self.http.cookies.set("zhike_desk", self.cookie)
        assert self.http.get(f"{self.page}/").status_code == 200
        self.config = self.http.get(f"{self.page}/config").json()

    def function(self, element: str, event: str) -> int:
        """The index of what happens on an event of the component with this elem_id."""
        ids = [c["id"] for c in self.config["components"] if c["props"].get("elem_id") == element]
        for number, dependency in enumerate(self.config["dependencies"]):
            if [*ids, event] in dependency["targets"]:
                return int(dependency.get("id", number))
        raise LookupError(f"{element}.{event}")

    def call(self, function: int, data: list[Any], session_hash: str = "") -> str:
        """Everything that the server sends for one call, as text."""
        body = {
            "data": data,
            "fn_index": function,
            "session_hash": session_hash or self.session_hash,
        }
        joined = self.http.post(f"{self.page}/gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        heard = ""
        path = f"{self.page}/gradio_api/queue/data?session_hash={body['session_hash']}"
        with self.http.stream("GET", path) as stream:
            for line in stream.iter_lines():
                heard += line
                if "process_completed" in line or "close_stream" in line:
                    break
        return json.dumps(heard, ensure_ascii=False)

    def ask(self, text: str, session_hash: str = "") -> str:
        return self.call(self.function("send", "click"), [text, None, "en"], session_hash)

    def open(self, session_hash: str = "") -> str:
        load = next(
            int(d["id"]) for d in self.config["dependencies"] if d["targets"][0][1] == "load"
        )
        return self.call(load, [None], session_hash)


def test_a_question_is_answered_and_is_there_after_a_reload(running: Running) -> None:
    browser = Browser(running.url)
    heard = browser.ask("Can I return opened tea?")
    assert "One moment" in heard
    browser.session_hash = new_id()[:11]  # a reload
    shown = browser.open()
    assert "Can I return opened tea?" in shown
    assert "<mark>Opened tea cannot be returned" in shown


def test_a_step_that_takes_its_time_is_shown(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = KnowledgeBase.search

    def slow(*args: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return search(*args, **options)

    monkeypatch.setattr(KnowledgeBase, "search", slow)
    heard = Browser(running.url).ask("How long does a refund to PayPal take?")
    assert "Searching the documents" in heard


def test_visitors_never_see_each_other(running: Running) -> None:
    one, two = Browser(running.url), Browser(running.url)
    assert "MARKER-SECRET" in one.ask("Can I return tea? MARKER-SECRET")
    assert "MARKER-SECRET" not in two.open()
    # With the other's Gradio session the server-side state names the other's conversation.
    assert "MARKER-SECRET" not in two.open(one.session_hash)
    switched = two.call(two.function("language", "input"), [None, "en"], one.session_hash)
    assert "MARKER-SECRET" not in switched
    assert "MARKER-SECRET" not in two.ask("hello", one.session_hash)
    assert "MARKER-SECRET" not in two.ask("hello", one.session_hash)
    turns = [
        t.message.text for s in running.app.store.sessions() for t in running.app.store.turns(s.id)
    ]
    assert sum("MARKER-SECRET" in text for text in turns) == 1


def test_a_forged_cookie_is_replaced(running: Running) -> None:
    with httpx.Client(base_url=running.url, cookies={"zhike_visitor": "1"}) as http:
        cookie = http.get("/").headers["set-cookie"]
    assert "zhike_visitor=1;" not in cookie
    assert len(cookie.split(";")[0].removeprefix("zhike_visitor=")) == 32


def test_a_person_is_called_without_a_question(running: Running) -> None:
    browser = Browser(running.url)
    heard = browser.call(browser.function("person", "click"), [None, "en"])
    assert "You are number " in heard
    assert any(s.waiting for s in running.app.store.sessions())


def test_a_long_message_is_refused_with_a_sentence(running: Running) -> None:
    assert "2000 are possible" in Browser(running.url).ask("x" * 2500)


def test_nothing_is_published_for_programs(running: Running) -> None:
    info = Browser(running.url).http.get("/gradio_api/info").json()
    assert info["named_endpoints"] == {}
    assert info["unnamed_endpoints"] == {}
