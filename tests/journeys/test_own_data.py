"""A customer takes the own data away and erases it, in a real browser; proved on raw bytes."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from chatbot.store import new_id
from chatbot.types import Incoming
from tests.journeys.conftest import PHONE, NewPage, Shot
from tests.journeys.test_customer import ask
from tests.ui.conftest import Running

pytestmark = pytest.mark.slow
MARK, OTHER = "Zanzibarite", "Marmaladite"


def on_disk(running: Running, text: str) -> bool:
    """Whether the text stands in any file of the home, byte for byte."""
    home = running.app.database.path.parent
    return any(text.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_visitor_erases_the_own_data(new_page: NewPage, running: Running, shot: Shot) -> None:
    other = new_id()
    running.app.assistant.reply(Incoming(f"Is the {OTHER} teapot red?", other))
    page = new_page("en-US")
    page.goto("/")
    ask(page, f"Is the {MARK} kettle red?")
    page.locator("#person").click()
    expect(page.locator("#notice")).to_contain_text("You are number 1 in the queue")
    assert on_disk(running, MARK)

    page.locator("#mine").click()
    expect(page.locator("#own-data")).to_contain_text("Everything that is stored of you")
    shot(page, "customer-own-data-1280")
    with page.expect_download() as download:
        page.locator(".own-data-download").click()
    exported = json.loads(download.value.path().read_text("utf-8"))
    assert MARK in json.dumps(exported) and OTHER not in json.dumps(exported)
    assert len(exported["conversations"][0]["calls_for_a_person"]) == 1

    page.locator("#own-data-delete").click()
    page.locator("#own-data-no").click()  # second thoughts
    expect(page.locator("#own-data-yes")).not_to_be_visible()
    assert on_disk(running, MARK)
    page.locator("#own-data-delete").click()
    page.locator("#own-data-yes").click()
    expect(page.locator("#notice")).to_contain_text("was deleted")
    expect(page.locator(".said")).to_have_count(0)
    assert not on_disk(running, MARK) and on_disk(running, OTHER)
    assert not running.app.erasure.sessions(exported["visitor"])

    page.reload()
    expect(page.locator(".welcome-hello")).to_be_visible()
    expect(page.locator(".said")).to_have_count(0)
    ask(page, "Can I return opened tea?")  # the page works on, as for somebody new
    assert running.app.erasure.sessions(other)


def test_a_chinese_phone_erases_too(new_page: NewPage, running: Running) -> None:
    page: Page = new_page("zh-CN", PHONE)
    page.goto("/")
    ask(page, f"{MARK}普通快递多少钱？")
    page.locator("#mine").click()
    page.locator("#own-data-delete").click()
    page.locator("#own-data-yes").click()
    expect(page.locator("#notice")).to_contain_text("删除")
    assert not on_disk(running, MARK)
