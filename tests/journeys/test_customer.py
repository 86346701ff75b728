"""What customers do, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from chatbot.types import Action, Citation, Intent, Reply
from tests.journeys.conftest import PHONE, NewPage, Shot
from tests.ui.conftest import MARK, Running
from tests.ui.test_render import PAYLOADS
from ui.pages import bubbles
from ui.texts import texts

pytestmark = pytest.mark.slow


def ask(page: Page, text: str) -> None:
    before = page.locator(".bot-turn .meta").count()
    page.locator("#question textarea").fill(text)
    page.locator("#send").click()
    expect(page.locator(".bot-turn .meta")).to_have_count(before + 1, timeout=30_000)
    expect(page.locator("#send")).to_be_visible(timeout=30_000)


def inside(page: Page) -> None:
    """What a customer needs at any time is on the phone's screen, and nothing covers another."""
    end = 0.0
    for element in ("#language", "#new", "#person"):
        box = page.locator(element).bounding_box()
        assert box and box["x"] >= end, element
        end = box["x"] + box["width"]
        assert end <= PHONE["width"], element
    box = page.locator("#send").bounding_box()
    assert box and box["x"] + box["width"] <= PHONE["width"]


def test_a_question_a_source_a_thumb_and_a_person(
    new_page: NewPage, running: Running, shot: Shot
) -> None:
    page = new_page("en-US")
    page.goto("/")
    expect(page.locator(".welcome-hello")).to_have_text("Hello, how can we help?")
    shot(page, "customer-welcome-1280")
    ask(page, "Can I return opened tea?")
    expect(page.locator(".reply").last).to_contain_text("cannot be returned")
    expect(page.locator(".confidence").last).to_contain_text("supported")
    expect(page.locator(".ai").last).to_contain_text("AI")

    page.locator(".cite summary").first.click()
    marked = page.locator(".cite[open] mark").first
    expect(marked).to_be_visible()
    expect(marked).to_contain_text("Opened tea cannot be returned")
    expect(page.locator(".cite[open] .cite-file").first).to_contain_text(".")
    shot(page, "customer-answer-1280")

    down, up = (page.locator(".message-buttons button").nth(n) for n in (0, 1))
    boxes = up.bounding_box(), down.bounding_box()
    assert boxes[0] and boxes[1] and boxes[0]["x"] < boxes[1]["x"], "the thumb up comes first"
    down.click()
    expect(page.locator("#feedback")).to_be_visible()
    page.locator("#feedback label", has_text="Something is missing").click()
    shot(page, "customer-feedback-1280")
    page.get_by_text("Send feedback").click()
    expect(page.locator("#notice")).to_contain_text("Thank you")

    page.locator("#person").click()
    expect(page.locator("#notice")).to_contain_text("You are number 1 in the queue")
    shot(page, "customer-person-1280")
    session = running.app.store.sessions()[0]
    assert session.waiting
    turn = running.app.store.turns(session.id)[1]
    assert (turn.rating, turn.rating_reason) == (-1, "missing")

    page.reload()
    expect(page.locator(".reply").first).to_contain_text("cannot be returned")
    expect(page.locator("#notice")).to_contain_text("Your request is with the team")


def test_a_chinese_phone(new_page: NewPage, shot: Shot) -> None:
    page = new_page("zh-CN", PHONE)
    page.goto("/")
    expect(page.locator(".welcome-hello")).to_contain_text("您好")
    shot(page, "customer-welcome-390")
    ask(page, "普通快递多少钱？")
    expect(page.locator(".reply").last).to_contain_text("10 元")
    page.locator(".cite summary").first.click()
    shot(page, "customer-answer-390")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], "the page is wider than the phone"
    inside(page)
    page.locator("#language label", has_text="EN").click()
    expect(page.locator("#person")).to_have_text("Talk to a person")
    inside(page)
    shot(page, "customer-answer-en-390")
    page.reload()
    expect(page.locator("#person")).to_have_text("Talk to a person")
    expect(page.locator(".reply").last).to_contain_text("10 元")
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".reply")).to_have_count(0)


def test_the_box_of_a_long_question_is_one_line_again(new_page: NewPage) -> None:
    page = new_page("en-US", PHONE)
    page.goto("/")
    box = page.locator("#question textarea")
    expect(page.locator("#send")).to_be_enabled()
    one_line = box.evaluate("box => box.offsetHeight")
    box.press_sequentially("Can I return opened tea when its tin has a dent on the side?")
    assert box.evaluate("box => box.offsetHeight") > one_line
    page.locator("#send").click()
    expect(page.locator(".reply")).to_have_count(1)
    assert box.evaluate("box => box.offsetHeight") == one_line


def test_an_example_is_one_click(new_page: NewPage) -> None:
    page = new_page("en-US")
    page.goto("/")
    chip = page.locator(".chip").first
    expect(chip).to_have_text(re.compile(r"\w{3}.*\?"))  # an approved question of the shop
    asked = chip.inner_text().strip()
    chip.click()
    expect(page.locator(".said").first).to_have_text(asked)
    expect(page.locator(".bot-turn .meta").first).to_be_visible(timeout=30_000)
    expect(chip).not_to_be_visible()
    page.locator("#new").click()
    expect(page.locator(".said")).to_have_count(0)
    expect(chip).to_be_visible()


def test_two_browsers_never_see_each_other(new_page: NewPage) -> None:
    one, two = new_page(), new_page()
    one.goto("/")
    two.goto("/")
    ask(one, "hello MARKER-ONE")
    ask(two, "hello MARKER-TWO")
    for page, own, other in ((one, "MARKER-ONE", "MARKER-TWO"), (two, "MARKER-TWO", "MARKER-ONE")):
        page.reload()
        expect(page.locator(".said").first).to_contain_text(own)
        assert other not in page.content()


def test_hostile_text_stays_text(new_page: NewPage, running: Running) -> None:
    """Every payload as question, answer, document and passage, drawn by the real page."""
    page = new_page()
    page.goto("/")
    ask(page, "hello")
    session = running.app.store.sessions()[0].id
    for payload in PAYLOADS:
        running.app.store.add_message(session, "user", payload)
        running.app.store.add_message(session, "assistant", payload)
    page.reload()
    expect(page.locator(".said")).to_have_count(len(PAYLOADS) + 1)
    page.wait_for_timeout(500)  # time for what must not load
    assert (
        page.locator("#chat").locator("script, iframe, object, form, [onerror], [onload]").count()
        == 0
    )
    assert page.locator("#chat .message-content img").count() == 0
    hrefs = page.locator("#chat .message-content a").evaluate_all("all => all.map(a => a.href)")
    assert hrefs == []


def test_a_source_cannot_carry_html() -> None:
    evil = "<img src=x onerror=alert(1)>"
    citation = Citation(1, "d", "c", evil, evil, evil, f"{evil} {MARK}", evil, 1.0)
    reply = Reply("r", "s", f"{evil} {MARK}", Action.QUOTE, evil, Intent("x", 1), (citation,), 0.9)
    content = bubbles.reply(reply, texts("en"))["content"]
    assert "<img" not in content
    assert f'href="{MARK}"' in content
