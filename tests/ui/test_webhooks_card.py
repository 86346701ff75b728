"""Webhooks in the desk: a real receiver is added, tested, paused, told again and removed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.conftest import Running, listening, made
from tests.ui.desk import Desk
from tests.ui.receiver import Receiver, wait_until
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk as RoleDesk
from ui import web
from ui.roles import Role
from ui.webhooks.sender import Sender

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose webhooks may go to this machine."""
    home = tmp_path_factory.mktemp("hooks") / "home"
    app, settings = made(home, per_address_minute=5_000, webhook_loopback=True)
    site = web.build(app, settings)
    token = site.accounts.setup_token()
    assert token is not None
    with listening(site) as url:
        yield Running(url, site, app, token)
    app.close()


@pytest.fixture
def desk(running: Running) -> Iterator[Desk]:
    """An admin, and no webhooks after the test."""
    desk = Desk(running)
    yield desk
    desk.http.close()
    for hook in running.site.team.webhooks.all():
        running.site.team.webhooks.remove(hook.id, "test")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def published(running: Running) -> None:
    """An event: a document is published again."""
    document = running.app.knowledge.find("returns.md")
    text = running.app.knowledge.source(document.id).text
    running.app.knowledge.edit(document.id, f"{text}\nMore.\n", document.version)


def add(desk: Desk, running: Running, receiver: Receiver) -> str:
    """The id of a new webhook for published documents, chosen in the card."""
    desk.set("webhook-url", receiver.url)
    desk.set("webhook-events", ["document.published"])
    desk.do("webhook-add")
    (hook,) = running.site.team.webhooks.all()
    return hook.id


def test_the_secret_is_shown_once(desk: Desk, running: Running, receiver: Receiver) -> None:
    id_ = add(desk, running, receiver)
    secret = desk.value("webhook-secret")
    assert secret.startswith("whsec_") and desk.visible("webhook-secret")
    assert "Copy the secret now" in desk.text("webhooks-said")
    assert receiver.url in desk.text("webhooks") and "a document was published" in desk.text(
        "webhooks"
    )
    assert desk.value("webhook") == id_ and desk.visible("webhook-one")
    desk.do("webhook-test")
    (got,) = receiver.wait(1)
    assert got.body["type"] == "webhook.test" and "taken (status 204)" in desk.text("webhooks-said")
    assert desk.value("webhook-secret") == "" and not desk.visible("webhook-secret")
    later = Desk(running)
    later.do("language", "input")
    assert receiver.url in later.text("webhooks"), "another page lists it"
    assert secret not in str([p.get("value") for p in later.props.values()])
    receiver.script = [500]
    desk.do("webhook-test")
    assert "not taken: it answered 500" in desk.text("webhooks-said")
    entries = [(e.action, e.object) for e in running.site.accounts.audit.entries(10)]
    assert ("webhook.added", id_) in entries and ("webhooks_card.tested", id_) in entries
    assert secret not in str(entries)


def test_what_happens_during_a_pause_is_told_after_it(
    desk: Desk, running: Running, receiver: Receiver
) -> None:
    id_, hooks = add(desk, running, receiver), running.site.team.webhooks
    desk.do("webhook-pause")
    assert "Nothing is sent there now" in desk.text("webhooks-said")
    assert "paused" in desk.text("webhooks") and desk.value("webhook-pause") == "Go on"
    published(running)
    assert hooks.find(id_).waiting == 1 and hooks.due() == []
    desk.do("webhook", "input")
    assert "waiting" in desk.text("webhook-deliveries")
    desk.do("webhook-pause")
    sender = Sender(hooks, loopback=True, every=0.05)
    (got,) = receiver.wait(1)
    wait_until(lambda: hooks.find(id_).sent == 1)
    sender.stop()
    assert got.body["type"] == "document.published"
    desk.set("webhook-state", "sent")
    desk.do("webhook-state", "input")
    assert "sent" in desk.text("webhook-deliveries") and "204" in desk.text("webhook-deliveries")
    desk.set("webhook-state", "dead")
    desk.do("webhook-state", "input")
    assert "no such deliveries" in desk.text("webhook-deliveries")
    assert not desk.visible("webhook-retry"), "nothing was given up"


def test_what_was_given_up_is_sent_again(desk: Desk, running: Running, receiver: Receiver) -> None:
    id_, hooks = add(desk, running, receiver), running.site.team.webhooks
    receiver.script = [410, 204]  # Gone: given up at once
    published(running)
    sender = Sender(hooks, loopback=True, every=0.05)
    wait_until(lambda: hooks.find(id_).dead == 1)
    desk.set("language", "zh-Hans")
    desk.do("webhook", "input")
    assert "已放弃" in desk.text("webhook-deliveries") and desk.visible("webhook-retry")
    desk.do("webhook-retry")
    assert "将重新发送 1 条" in desk.text("webhooks-said")
    wait_until(lambda: hooks.find(id_).sent == 1)
    sender.stop()
    first, again = receiver.wait(2)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


def test_it_is_removed_by_the_second_click(
    desk: Desk, running: Running, receiver: Receiver
) -> None:
    id_, hooks = add(desk, running, receiver), running.site.team.webhooks
    desk.do("webhook-remove")
    assert "Click again" in desk.value("webhook-remove") and hooks.find(id_)
    desk.do("webhook", "input")
    desk.do("webhook-remove")
    assert hooks.find(id_), "looking in between disarms it"
    desk.do("webhook-remove")
    assert hooks.all() == () and "No webhooks yet" in desk.text("webhooks")
    assert "was removed" in desk.text("webhooks-said") and not desk.visible("webhook-one")
    desk.do("webhook-test")
    assert "Choose a webhook first" in desk.text("webhooks-said")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "did not work"),
        ("no address", "did not work"),
        ("ftp://shop.example/x", "did not work"),
        ("https://10.0.0.7/zhike", "did not work"),
        ("https://u:p@shop.example/", "did not work"),
    ],
)
def test_addresses_that_are_refused(desk: Desk, running: Running, url: str, said: str) -> None:
    desk.set("webhook-url", url)
    desk.do("webhook-add")
    assert said in desk.text("webhooks-said") and not desk.visible("webhook-secret")
    assert desk.value("webhook-url") == url, "what was typed stays"
    assert running.site.team.webhooks.all() == ()


def test_only_admins(running: Running) -> None:
    for role in (Role.EDITOR, Role.AGENT, Role.VIEWER):
        desk = RoleDesk(running.url, "/desk", session_of(running.site, role))
        with pytest.raises(AssertionError, match="403"):
            desk.press("webhook-add", "https://93.184.215.14/x", [], "en")
