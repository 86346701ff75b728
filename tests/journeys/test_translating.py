"""A customer and an agent who do not speak one language, in two browsers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.chat_server import ChatServer, translates
from tests.journeys.conftest import PHONE, NewPage, Shot
from tests.journeys.test_customer import ask
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running
from tests.ui.test_translating import generator, running

pytestmark = pytest.mark.slow
__all__ = ["generator", "running"]  # fixtures

CASES = {  # by the customer's browser: question and draft, each with its translation
    "zh-CN": (
        ("普通快递多少钱？", "How much is standard shipping?"),
        ("Standard shipping is 10 yuan, free from 99 yuan.", "普通快递 10 元，满 88 元包邮。"),
    ),
    "en-US": (
        ("How long can I return an unused kettle?", "未使用的水壶多久可以退货？"),
        ("收到后 30 天内可以退货。", "You can return it within 30 days of receipt."),
    ),
}
WORDS = dict(pair for case in CASES.values() for pair in case)


def open_inbox(agent: Page, name: str) -> None:
    agent.get_by_role("tab", name=name).click()
    agent.locator("#calls label").first.click()
    expect(agent.locator("#case-turns .turn").first).to_be_visible()


@pytest.mark.parametrize(
    ("customers", "staff", "inbox", "reading", "hint", "label"),
    [
        ("zh-CN", "en-US", "Inbox", "in English too", "Missing: 99", "机器翻译"),
        ("en-US", "zh-CN", "收件箱", "用简体中文显示", "简体中文 → 英文", "translated by machine"),
    ],
)
def test_both_read_their_own_language(
    new_page: NewPage,
    running: Running,
    generator: ChatServer,
    shot: Shot,
    customers: str,
    staff: str,
    inbox: str,
    reading: str,
    hint: str,
    label: str,
) -> None:
    generator.script = [translates(WORDS)]
    (question, asked), (draft, reply) = CASES[customers]
    customer, agent = new_page(customers), new_page(staff)
    customer.goto("/")
    ask(customer, question)
    customer.locator("#person").click()
    enter(agent, running)
    open_inbox(agent, inbox)
    expect(agent.locator("#case-turns")).not_to_contain_text(asked)
    expect(agent.locator("#translate-read")).to_contain_text(reading)
    agent.locator("#translate-read input").check()
    expect(agent.locator("#case-turns .wording")).to_contain_text(asked)
    expect(agent.locator("#case-turns")).to_contain_text(question)

    box = agent.locator("#reply-text textarea")
    box.fill(draft)
    agent.locator("#translate-draft").click()
    expect(box).to_have_value(reply)
    expect(agent.locator("#draft")).to_contain_text(draft)
    expect(agent.locator("#draft")).to_contain_text(hint)
    shot(agent, f"desk-translated-{staff}-1280")
    agent.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    shot(agent, f"desk-translated-{staff}-390")
    wide = agent.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"]
    box.fill(reply.replace("88", "99"))
    agent.locator("#reply-send").click()
    expect(customer.locator("#chat")).to_contain_text(reply.replace("88", "99"))
    expect(customer.locator("#chat")).not_to_contain_text(draft)
    expect(customer.locator("#chat .agent .who")).to_contain_text(label)
    shot(customer, f"customer-translated-{customers}-1280")
    expect(agent.locator("#case-turns .turn.agent details.wording")).to_contain_text(draft)
    shot(agent, f"desk-translated-sent-{staff}-390")


def test_why_it_is_not_offered(new_page: NewPage, running: Running, shot: Shot) -> None:
    """As with the packaged generator."""
    assert running.app.generator is not None
    running.app.generator.languages = frozenset({"en"})  # type: ignore[misc]
    customer, agent = new_page("zh-CN"), new_page("en-US")
    customer.goto("/")
    ask(customer, "普通快递多少钱？")
    customer.locator("#person").click()
    enter(agent, running)
    open_inbox(agent, "Inbox")
    why = "Messages are not translated: the generator does not speak Simplified Chinese."
    expect(agent.locator("#translate-why")).to_have_text(why)
    expect(agent.locator("#translate-draft")).not_to_be_visible()
    agent.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    shot(agent, "desk-not-translated-390")
