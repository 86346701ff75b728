"""The pages as gradio_client drives them: a crowd of customers, a page left open, staff."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from chatbot.store import new_id
from tests.ui.conftest import PASSWORD, Running, listening, made
from tests.ui.test_customer import Browser
from ui import web
from ui.pages import customer as customer_page
from ui.texts import texts

REFUSED = texts("en")("customer.crowded", seconds=0).split("0")[0]  # up to the seconds
ANSWER = "cannot be returned"


def customer(url: str) -> Client:
    """The page, opened by another visitor."""
    cookie = {"Cookie": f"zhike_visitor={new_id()}"}
    return Client(url, headers=cookie, verbose=False, analytics_enabled=False)


def heard(client: Client, text: str) -> str:
    """All that the page showed until the turn was over."""
    job = client.submit(text, "en", api_name="/ask")
    job.result(timeout=120)
    return str(job.outputs())


def test_gradio_client_drives_the_customer_page(running: Running) -> None:
    client = customer(running.url)
    assert ANSWER in heard(client, "Can I return opened tea?")
    assert "2000 are possible" in heard(client, "x" * 2500)


def test_gradio_client_drives_the_desk(running: Running) -> None:
    with pytest.raises(AuthenticationError):
        Client(f"{running.url}/desk/", verbose=False, analytics_enabled=False)
    accounts = running.site.accounts
    if accounts.ready():
        token = accounts.log_in("admin", PASSWORD, secrets.token_hex(4))
    else:
        token = accounts.set_up(running.token, PASSWORD, secrets.token_hex(4))
    cookie = {"Cookie": f"zhike_desk={token}", "Origin": running.url}
    desk = Client(f"{running.url}/desk/", headers=cookie, verbose=False, analytics_enabled=False)
    found = desk.predict("Can I return opened tea?", "", "en", api_name="/search")
    assert ANSWER in found
    assert "problem" in desk.predict(" ", "", "en", api_name="/search")


def test_only_these_two_are_offered_to_programs(running: Running) -> None:
    assert httpx.get(f"{running.url}/gradio_api/info").json()["named_endpoints"] == {}


def test_a_turn_that_would_wait_for_a_thread_is_refused(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = customer(running.url)
    monkeypatch.setattr("ui.pages.turns.AT_ONCE", 0)
    assert REFUSED in heard(client, "Can I return opened tea?")
    monkeypatch.undo()
    assert ANSWER in heard(client, "Can I return opened tea?")


@pytest.mark.slow
def test_fifty_at_once_are_answered_or_told_to_wait(running: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(customer, [running.url] * 50))
    barrier = threading.Barrier(len(clients))

    def talk(client: Client) -> str:
        barrier.wait(timeout=60)
        return heard(client, "Can I return opened tea?")

    with ThreadPoolExecutor(len(clients)) as pool:
        shown = list(pool.map(talk, clients))
    answered = [text for text in shown if ANSWER in text]
    refused = [text for text in shown if REFUSED in text]
    assert len(answered) + len(refused) == len(clients)
    assert answered
    assert ANSWER in heard(clients[0], "Can I return opened tea?"), "no place was given back"


def test_a_page_whose_state_gradio_dropped_goes_on_with_its_conversation(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_page, "PAGES", 2)
    app, settings = made(home)
    with closing(app), listening(web.build(app, settings)) as url:
        page = Browser(url)
        page.open()
        page.ask("Can I return opened tea?")
        for other in (Browser(url), Browser(url), Browser(url)):
            other.open()
            other.ask("hello")
        heard_after = page.ask("普通快递多少钱？")
        assert ANSWER in heard_after and "10 元" in heard_after
        page.call(page.function("new", "click"), ["en"])
        assert ANSWER not in page.ask("普通快递多少钱？"), "a new conversation was wanted"
