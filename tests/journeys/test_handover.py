"""A customer calls a person, an agent answers and returns the conversation, in two browsers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, NewPage, Shot
from tests.journeys.test_customer import ask
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running

pytestmark = pytest.mark.slow


def test_a_person_takes_over_and_the_assistant_comes_back(
    new_page: NewPage, running: Running, shot: Shot
) -> None:
    customer, agent = new_page("en-US"), new_page("en-US")
    customer.goto("/")
    ask(customer, "Can I return opened tea?")
    customer.locator("#person").click()
    notice = customer.locator("#notice")
    expect(notice).to_contain_text("You are number 1 in the queue")
    expect(notice).to_contain_text("Nobody from the team is logged in")
    customer.locator("#contact-text").locator("input, textarea").fill("ann@home.example")
    customer.locator("#contact-send").click()
    expect(notice).to_contain_text("the address that you left")
    expect(customer.locator("#contact")).not_to_be_visible()
    shot(customer, "customer-waiting-1280")

    enter(agent, running)
    expect(agent.locator(".waiting-count")).to_have_text("1 waiting")
    expect(agent).to_have_title("(1) 知客 Zhike · Desk")
    expect(notice).not_to_contain_text("Nobody from the team is logged in")
    agent.get_by_role("tab", name="Inbox").click()
    agent.locator("#calls label").first.click()
    expect(agent.locator("#packet")).to_contain_text("asked for a person")
    expect(agent.locator("#packet")).to_contain_text("Can I return opened tea?")
    expect(agent.locator("#packet")).to_contain_text("once the conversation is yours")
    agent.locator("#take").click()
    expect(agent.locator("#packet")).to_contain_text("ann@home.example")
    expect(notice).to_contain_text("You are talking to a person now")
    agent.locator("#suggest").click()
    reply = agent.locator("#reply-text textarea")
    expect(reply).to_have_value("Opened tea cannot be returned.")
    expect(agent.locator("#draft .cite").first).to_be_visible()
    shot(agent, "desk-inbox-1280")
    reply.fill("An internal word about Ann")
    agent.locator("#note").click()
    expect(agent.locator(".turn.note").last).to_contain_text("An internal word")
    reply.fill("I looked it up: for you we make an exception.")
    agent.locator("#reply-send").click()
    expect(agent.locator("#inbox-said")).to_contain_text("Sent")
    expect(customer.locator(".agent .said")).to_have_text(
        "I looked it up: for you we make an exception."
    )
    expect(customer.locator(".agent .who")).to_contain_text("a person of the team")
    expect(customer.locator("#chat")).not_to_contain_text("An internal word")

    customer.locator("#question textarea").fill("Can I return opened tea?")
    customer.locator("#send").click()
    expect(agent.locator(".turn.user")).to_have_count(2)
    expect(customer.locator("#send")).to_be_visible()
    expect(customer.locator(".bot-turn .meta")).to_have_count(1)  # the assistant is silent
    shot(customer, "customer-with-person-1280")
    agent.locator("#give-back").click()
    expect(notice).to_contain_text("The AI assistant answers again")
    ask(customer, "Can I return opened tea?")
    expect(customer.locator(".reply").last).to_contain_text("cannot be returned")
    expect(agent.locator("#queue")).to_contain_text("Done")


def test_an_alert_reaches_every_tab_and_a_phone(
    new_page: NewPage, running: Running, shot: Shot
) -> None:
    agent, customer = new_page("zh-CN"), new_page("zh-CN", PHONE)
    enter(agent, running)
    agent.get_by_role("tab", name="收件箱").click()
    expect(agent.locator("#packet")).to_contain_text(
        "这里没有对话"
    )  # it has looked: who calls now is new
    agent.get_by_role("tab", name="文档").click()
    customer.goto("/")
    customer.locator("#person").click()
    expect(customer.locator("#notice")).to_contain_text("您目前排在第 1 位")
    expect(agent.locator(".waiting-count")).to_have_text("1 人等待")
    expect(agent.get_by_text("有客户请求人工服务")).to_be_visible()
    shot(agent, "desk-alert-1280")
    assert customer.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shot(customer, "customer-waiting-390")
    agent.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    agent.get_by_role("tab", name="收件箱").click()
    agent.locator("#calls label").first.click()
    expect(agent.locator("#take")).to_be_visible()
    shot(agent, "desk-inbox-390")
    assert agent.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    agent.locator("#close-case").click()
    expect(customer.locator("#notice")).to_contain_text("本次对话已结束")
