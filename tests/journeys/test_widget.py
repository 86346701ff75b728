"""The chat on a shop's own page, which another origin serves, in a real browser."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from chatbot.app import App
from tests.journeys.conftest import Shot
from tests.ui.conftest import listening, made
from ui import identity, web

pytestmark = pytest.mark.slow
SAMPLES = Path(__file__).parents[2] / "samples"


class Quiet(SimpleHTTPRequestHandler):
    """A shop's website: the folder of the sample page."""

    def log_message(self, *_: object) -> None:
        """Not in the output of the tests."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A website, and the server whose chat is on it."""

    origin: str
    stranger: str  # another website, which may not show the chat
    zhike: str
    app: App
    home: Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    handler = functools.partial(Quiet, directory=str(SAMPLES))
    sites = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    threads = [threading.Thread(target=site.serve_forever, args=(0.05,)) for site in sites]
    for thread in threads:
        thread.start()
    origin, stranger = (f"http://127.0.0.1:{site.server_address[1]}" for site in sites)
    home = tmp_path_factory.mktemp("widget") / "home"
    app, settings = made(home, public_origins=(origin,), per_visitor_minute=200)
    with listening(web.build(app, settings)) as zhike:
        yield Shop(origin, stranger, zhike, app, home)
    app.close()
    for site, thread in zip(sites, threads, strict=True):
        site.shutdown()
        thread.join()
        site.server_close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(locale="en-US", viewport={"width": 1280, "height": 860}) as context:
        yield context


def opened(context: BrowserContext, shop: Shop, more: str = "") -> tuple[Page, FrameLocator]:
    """The shop's page with the chat open."""
    page = context.new_page()
    page.goto(f"{shop.origin}/widget.html?server={shop.zhike}{more}")
    page.locator("#zhike-widget button").click()
    return page, page.frame_locator("#zhike-widget iframe")


def test_a_page_of_another_origin_asks_and_gets_an_answer(
    context: BrowserContext, shop: Shop, shot: Shot
) -> None:
    page, chat = opened(context, shop)
    assert not page.url.startswith(shop.zhike)
    chat.locator("#question").fill("Can I return opened tea?")
    chat.locator("#send").click()
    expect(chat.locator(".turn.assistant").last).to_contain_text("cannot be returned")
    shot(page, "widget-answer-1280")
    page.reload()
    page.locator("#zhike-widget button").click()
    again = page.frame_locator("#zhike-widget iframe")
    expect(again.locator(".turn.assistant").last).to_contain_text("cannot be returned")
    expect(again.locator(".turn.user")).to_have_count(1)
    assert context.cookies() == [], "no cookie, so none of a third party"
    channels = [session.channel for session in shop.app.store.sessions()]
    assert channels == ["widget"]


def test_a_link_of_the_page_asks(context: BrowserContext, shop: Shop) -> None:
    page = context.new_page()
    page.goto(f"{shop.origin}/widget.html?server={shop.zhike}&language=zh-Hans")
    page.locator("[data-zhike-ask]").click()
    chat = page.frame_locator("#zhike-widget iframe")
    expect(chat.locator(".turn.assistant").last).to_contain_text("10 元")


def test_a_signed_customer_has_the_same_conversation_elsewhere(
    chromium: Browser, context: BrowserContext, shop: Shop
) -> None:
    signature = identity.signature(identity.secret(shop.home), "customer-17")
    signed = f"&user=customer-17&hash={signature}"
    _, chat = opened(context, shop, signed)
    chat.locator("#question").fill("Can I return opened tea?")
    chat.locator("#send").click()
    expect(chat.locator(".turn.assistant").last).to_contain_text("cannot be returned")
    with chromium.new_context(locale="en-US") as device:
        _, there = opened(device, shop, signed)
        expect(there.locator(".turn.assistant").last).to_contain_text("cannot be returned")
    with chromium.new_context(locale="en-US") as thief:
        forged = f"&user=customer-17&hash={'0' * 64}"
        _, here = opened(thief, shop, forged)
        expect(here.locator("#question")).to_be_attached()
        expect(here.locator(".turn.user")).to_have_count(0)


def test_a_site_that_is_not_named_cannot_show_it(context: BrowserContext, shop: Shop) -> None:
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{shop.stranger}/widget.html?server={shop.zhike}")
    page.locator("#zhike-widget button").click()
    page.wait_for_timeout(1500)
    assert any("frame-ancestors" in text for text in refused), refused
    expect(page.frame_locator("#zhike-widget iframe").locator("#question")).to_have_count(0)
