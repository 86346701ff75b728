"""Many customers at once, over every channel: nobody reads a word that is another's."""

from __future__ import annotations

import itertools
import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from chatbot.store import new_id
from tests.ui.conftest import Running
from tests.ui.test_customer import Browser

pytestmark = pytest.mark.slow
SESSIONS = int(os.environ.get("ZHIKE_SESSIONS", "20"))
TURNS = 3
ASKED = (  # and what only the answer to it says
    ("Can I return opened tea?", "cannot be returned"),
    ("普通快递多少钱？", "10 元"),
)
LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass(slots=True)
class Customer:
    """One of them, with a word that nobody else says."""

    url: str
    number: int
    visitor: str = field(default_factory=new_id)
    marker: str = field(default_factory=lambda: "zz" + new_id()[:14].translate(LETTERS))
    session: str = ""
    heard: list[str] = field(default_factory=list)
    http: httpx.Client = field(init=False)
    say: Callable[[str], str] = field(init=False)
    browser: Browser | None = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.url, timeout=120, headers={"X-Zhike-Visitor": self.visitor}
        )
        self.say: Callable[[str], str] = (self.json, self.events, self.widget, self.page)[
            self.number % 4
        ]
        self.browser = Browser(self.url) if self.say == self.page else None

    def json(self, text: str) -> str:
        said = {"text": text} | ({"session_id": self.session} if self.session else {})
        answer = self.http.post("/api/v1/chat", json=said)
        assert answer.status_code == 200, answer.text
        self.session = answer.json()["session_id"]
        return json.dumps(answer.json(), ensure_ascii=False)

    def events(self, text: str) -> str:
        said = {"text": text} | ({"session_id": self.session} if self.session else {})
        answer = self.http.post("/api/v1/chat", json=said, headers={"Accept": "text/event-stream"})
        reply = json.loads(answer.text.strip().split("\n")[-1].removeprefix("data: "))
        self.session = reply["session_id"]
        return answer.text

    def widget(self, text: str) -> str:
        said = {"text": text} | ({"session_id": self.session} if self.session else {})
        answer = self.http.post("/api/v1/widget/messages", json=said)
        assert answer.status_code == 200, answer.text
        self.session = re.findall(r'"session_id": "([0-9a-f]{32})"', answer.text)[0]
        return answer.text

    def page(self, text: str) -> str:
        assert self.browser is not None
        return self.browser.ask(text)

    def talk(self, barrier: threading.Barrier) -> None:
        """Each message at the same moment as everybody's."""
        question, answer = ASKED[self.number // 4 % len(ASKED)]
        for _ in range(TURNS):
            barrier.wait(timeout=120)
            self.heard.append(self.say(f"Do you have the {self.marker} kettle in red?"))
            barrier.wait(timeout=120)
            given = self.say(question)
            assert answer in given, "an answer to another question"
            self.heard.append(given)

    def look_back(self) -> None:
        """All that is kept of this customer, as the customer gets it."""
        if self.browser is not None:
            self.browser.session_hash = new_id()[:11]  # a reload
            self.heard += [self.browser.open(), self.browser.http.get("/my-data.json").text]
            return
        if self.say == self.widget:
            start = self.http.post("/api/v1/widget/start", json={"session_id": self.session})
            self.heard += [start.text, self.http.get("/api/v1/widget/data").text]
            return
        self.heard.append(self.http.get(f"/api/v1/sessions/{self.session}/messages").text)


def test_nobody_reads_a_word_of_another(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = running.app.assistant.crowd  # all are taken, however long it takes
    monkeypatch.setattr(crowd, "_most", SESSIONS)
    monkeypatch.setattr(crowd, "_patience", 120.0)
    customers = [Customer(running.url, n) for n in range(SESSIONS)]
    barrier = threading.Barrier(SESSIONS)
    with ThreadPoolExecutor(SESSIONS) as pool:
        for done in [pool.submit(c.talk, barrier) for c in customers]:
            done.result()
        list(pool.map(Customer.look_back, customers))
    markers = {c.marker: c for c in customers}
    assert len(markers) == SESSIONS
    for customer in customers:
        heard = "\n".join(customer.heard)
        assert heard.count(customer.marker) >= TURNS, "the test hears nothing"
        found = set(re.findall(r"zz[a-p]{14}", heard)) - {customer.marker}
        assert not found, f"{customer.say.__name__} heard {len(found)} others"
    with_session = [c for c in customers if c.session]
    for customer, other in itertools.pairwise(with_session):
        for path in ("messages", "handover"):
            answer = customer.http.get(f"/api/v1/sessions/{other.session}/{path}")
            assert answer.status_code == 404
