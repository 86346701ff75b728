"""Webhooks: an outbox in the event's transaction, signed deliveries, tries with growing pauses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from chatbot.app import App
from chatbot.errors import ChatbotError, NotFound
from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.ui.conftest import made
from tests.ui.receiver import Receiver, wait_until
from ui.accounts import Accounts
from ui.webhooks import store
from ui.webhooks.events import Event
from ui.webhooks.posting import Outcome, new_secret
from ui.webhooks.sender import Sender
from ui.webhooks.store import Webhooks

MARK = "Waldmeister"


@dataclass(slots=True)
class Clock:
    """A clock that tests put forward; SQLite has the real one."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app, _ = made(tmp_path_factory.mktemp("webhooks") / "home")
    yield app
    app.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hooks(app: App, clock: Clock) -> Iterator[Webhooks]:
    hooks = Webhooks(app.database, Accounts(app.database).audit, clock)
    yield hooks
    for hook in hooks.all():
        hooks.remove(hook.id, "test")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def bodies(app: App) -> list[dict[str, Any]]:
    rows = app.database.rows("SELECT body FROM webhook_deliveries ORDER BY number")
    return [json.loads(row["body"]) for row in rows]


def called(app: App) -> tuple[str, str]:
    """A conversation in which a person was called: its id and its visitor."""
    visitor = new_id()
    session = app.store.open_session(visitor, "api").id
    app.store.add_message(session, "user", f"{MARK} is broken")
    reason = HandoffReason.CUSTOMER_REQUEST
    app.handovers.request(session, visitor, reason, f"{MARK}, please")
    return session, visitor


def test_each_event_is_told_once_and_without_text(app: App, hooks: Webhooks, home: Path) -> None:
    hooks.add("https://93.184.215.14/all", [], "test")
    hooks.add("https://93.184.215.14/one", ["conversation.closed"], "test")
    session, visitor = called(app)
    app.handovers.request(session, visitor, HandoffReason.CUSTOMER_REQUEST)  # the call is open
    app.handovers.take(session, "kim")
    app.handovers.close(session, "kim", "solved")
    reply = app.assistant.reply(Incoming(f"Can I return {MARK} tea?", visitor))
    app.rate(reply.id, visitor, -1)
    app.rate(reply.id, visitor, -1, f"{MARK} is not answered")  # the same thumb, with a reason
    app.rate(reply.id, visitor, 1)
    app.rate(reply.id, visitor, -1)  # another change of mind
    page = home / "page.md"
    page.write_text(f"# Page\n\n{MARK} is a herb that grows in woods.\n", "utf-8")
    for result in app.knowledge.add([page], draft=True):
        assert result.error is None
    found = app.knowledge.find("page.md")
    app.knowledge.publish(found.id)
    page.write_text(f"# Page\n\n{MARK} is a herb that grows in deep woods.\n", "utf-8")
    list(app.knowledge.add([page]))
    app.knowledge.approved.add(f"Is {MARK} there?", "Yes.", (), "default")

    told = bodies(app)
    kinds = [body["type"] for body in told]
    assert kinds == [
        "handover.requested", "conversation.closed", "conversation.closed", "handover.closed",
        "feedback.down", "feedback.down", "document.published", "document.published",
    ]  # fmt: skip
    datas = [body["data"] for body in told]
    assert datas[0] | {"handover_id": ""} == {
        "conversation_id": session, "handover_id": "", "reason": "customer_request",
        "language": None, "channel": "api",
    }  # fmt: skip
    assert datas[3]["outcome"] == "solved" and datas[4]["reply_id"] == reply.id
    assert [d["version"] for d in datas[6:]] == [1, 2] and datas[6]["document"] == "page.md"
    assert MARK not in json.dumps(told)
    for body in told:
        moment = datetime.fromisoformat(str(body["timestamp"]))
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_what_is_rolled_back_is_not_told(app: App, hooks: Webhooks) -> None:
    hooks.add("https://93.184.215.14/all", [], "test")
    with pytest.raises(RuntimeError), app.database.write():
        called(app)
        assert len(bodies(app)) == 1
        raise RuntimeError
    assert bodies(app) == []


def test_erasing_a_visitor_erases_what_was_told_of_him(app: App, hooks: Webhooks) -> None:
    hooks.add("https://93.184.215.14/all", [], "test")
    session, visitor = called(app)
    other, _ = called(app)
    app.erasure.erase(visitor)
    assert [b["data"]["conversation_id"] for b in bodies(app)] == [other]
    assert session.encode() not in Path(app.database.path).read_bytes()


def test_a_receiver_can_check_the_signature(app: App, hooks: Webhooks, receiver: Receiver) -> None:
    hook, secret = hooks.add(receiver.url, ["handover.requested"], "test", loopback=True)
    session, _ = called(app)
    sender = Sender(hooks, loopback=True, every=0.05)
    (got,) = receiver.wait(1)
    wait_until(lambda: hooks.find(hook.id).sent == 1)
    sender.stop()
    assert got.path == "/zhike" and got.headers["content-type"] == "application/json"
    assert got.body["data"]["conversation_id"] == session
    headers = dict(got.headers)
    Verifier(secret).verify(got.raw, headers)  # the library that receivers use
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(got.raw.replace(b"api", b"web"), headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(new_secret()).verify(got.raw, headers)
    old = str(int(headers["webhook-timestamp"]) - 600)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(got.raw, headers | {"webhook-timestamp": old})
    (_, delivery), *_ = hooks.deliveries(hook.id)
    assert delivery.id == headers["webhook-id"]
    assert (delivery.state, delivery.tries, delivery.status) == ("sent", 1, 204)


def test_a_failure_is_tried_again_after_growing_pauses(
    app: App, hooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    receiver.script = [500, 503, 302, 200]
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    hook, _ = hooks.add(receiver.url, [], "test", loopback=True)
    called(app)
    sender = Sender(hooks, loopback=True, every=0.02)
    for tries, low in ((1, 5), (2, 20), (3, 80)):
        wait_until(lambda tries=tries: hooks.deliveries(hook.id)[0][1].tries == tries)  # type: ignore[misc]
        waits = datetime.fromisoformat(hooks.deliveries(hook.id)[0][1].due) - clock()
        assert low - 2 <= waits.total_seconds() <= low * 1.11
        assert len(receiver.got) == tries
        clock.ahead += waits + timedelta(seconds=0.1)
    wait_until(lambda: hooks.find(hook.id).sent == 1)
    sender.stop()
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert [got.path for got in receiver.got] == ["/zhike"] * 4, "the redirect was not followed"
    assert hooks.deliveries(hook.id)[0][1].tries == 4


def test_after_ten_tries_it_is_given_up_listed_and_can_be_sent_again(
    app: App, hooks: Webhooks, clock: Clock
) -> None:
    hook, _ = hooks.add("https://93.184.215.14/all", [], "test")
    session, _ = called(app)
    for _ in range(store.TRIES):
        (due,) = hooks.due()
        hooks.settle(due, Outcome(500, "it answered 500"))
        clock.ahead += timedelta(seconds=store.LONGEST_PAUSE * 1.2)
    assert hooks.due() == []
    ((_, dead),) = hooks.deliveries(hook.id, "dead")
    assert (dead.tries, dead.status, dead.error) == (10, 500, "it answered 500")
    assert hooks.find(hook.id).dead == 1
    assert sum(store.pause(n) for n in range(1, store.TRIES)) < 24 * 3600
    assert hooks.retry(hook.id, "test") == 1
    (due,) = hooks.due()
    assert due.id == dead.id and session in due.body
    hooks.settle(due, Outcome(410, "it answered 410"))
    assert hooks.find(hook.id).dead == 1, "who is gone is not asked again"
    clock.ahead = timedelta(days=60)
    hooks.tidy()
    assert hooks.deliveries(hook.id) == []


def test_a_receiver_may_ask_for_a_longer_pause_within_bounds(
    app: App, hooks: Webhooks, receiver: Receiver, clock: Clock
) -> None:
    receiver.script, receiver.headers = [429], {"Retry-After": "600"}
    hook, _ = hooks.add(receiver.url, [], "test", loopback=True)
    called(app)
    sender = Sender(hooks, loopback=True, every=0.02)
    wait_until(lambda: hooks.deliveries(hook.id)[0][1].tries == 1)
    sender.stop()
    waits = datetime.fromisoformat(hooks.deliveries(hook.id)[0][1].due) - clock()
    assert 595 <= waits.total_seconds() <= 660
    receiver.headers = {"Retry-After": "999999999"}
    assert hooks.test(hook.id, loopback=True).pause == store.LONGEST_PAUSE


def test_one_bad_receiver_does_not_hold_up_another(
    app: App, hooks: Webhooks, receiver: Receiver
) -> None:
    hooks.add("http://127.0.0.1:9/closed", [], "test", loopback=True)
    good, _ = hooks.add(receiver.url, [], "test", loopback=True)
    sessions = [called(app)[0] for _ in range(5)]
    sender = Sender(hooks, loopback=True, every=0.02)
    got = receiver.wait(5)
    wait_until(lambda: hooks.find(good.id).sent == 5)
    sender.stop()
    assert [g.body["data"]["conversation_id"] for g in got] == sessions, "in order"


def test_mistakes_are_one_sentence(app: App, hooks: Webhooks) -> None:
    with pytest.raises(ChatbotError, match=r"no event\. Known: .*feedback\.down"):
        hooks.add("https://93.184.215.14/", ["feedback.up"], "test")
    for call in (hooks.find, hooks.test, hooks.deliveries):
        with pytest.raises(NotFound):
            call("wh_none")
    assert hooks.all() == () and len(Event) == 5


def test_an_older_home_is_watched_too(app: App, hooks: Webhooks) -> None:
    """A table that a later migration makes anew loses its triggers: the next start makes them."""
    hooks.add("https://93.184.215.14/all", [], "test")
    with app.database.write() as db:
        db.execute("DROP TRIGGER webhook_handover_requested")
    called(app)
    assert bodies(app) == []
    Webhooks(app.database, Accounts(app.database).audit)
    called(app)
    assert len(bodies(app)) == 1


def test_the_time_of_sqlite_is_that_of_the_sender(app: App, hooks: Webhooks) -> None:
    """Both are compared as text."""
    hooks.add("https://93.184.215.14/all", [], "test")
    called(app)
    time.sleep(0.01)
    (due,) = hooks.due()
    hooks.settle(due, Outcome(None, "no connection"))
    row = app.database.row("SELECT created, due FROM webhook_deliveries")
    assert row is not None and len(row["created"]) == len(row["due"])
    assert row["created"][-6:] == row["due"][-6:] == "+00:00"
