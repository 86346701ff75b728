"""axe-core finds nothing serious on any page: who hears the page, or only has keys, can use it."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.journeys.conftest import PHONE, NewPage
from tests.journeys.test_customer import ask
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running
from ui.roles import TABS

pytestmark = pytest.mark.slow
SERIOUS = ("serious", "critical")
OPENED = {  # tab: what is clicked in its list, and what is shown then
    "Inbox": ("#calls label", "#case-turns .turn"),
    "Conversations": ("#sessions label", "#turns .turn"),
    "Feedback": ("#complaints label", "#complaint .turn"),
}


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical, one line each."""
    page.wait_for_timeout(300)  # fades would count as low contrast
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['target']} {node['html'][:160]} {_why(node)}"
        for violation in found
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def _why(node: dict[str, Any]) -> str:
    said = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return said[0] if said else ""


def test_axe_sees_what_is_wrong(new_page: NewPage) -> None:
    page = new_page("en-US")
    page.goto("/desk/login")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<button></button>')")
    assert [line.partition(":")[0] for line in findings(page)] == ["button-name"]


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_customer_page(new_page: NewPage, language: str, size: str, colours: str) -> None:
    page = new_page(language, PHONE) if size == "phone" else new_page(language)
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    page.goto("/")
    expect(page.locator("#question textarea")).to_be_editable()
    wrong = findings(page)
    ask(page, "Can I return opened tea?" if language == "en-US" else "普通快递多少钱？")
    page.locator(".cite summary").first.click()
    wrong += findings(page)
    page.locator(".message-buttons button").first.click()
    page.locator("#person").click()
    expect(page.locator("#notice")).not_to_be_empty()
    page.locator("#mine").click()
    expect(page.locator("#own-data")).to_be_visible()
    wrong += findings(page)
    assert not wrong, "\n".join(wrong)


def test_the_widget(new_page: NewPage) -> None:
    page = new_page("en-US")
    page.goto("/widget")
    expect(page.locator("#question")).to_be_visible()
    assert findings(page) == []


def test_the_desk(new_page: NewPage, running: Running) -> None:
    visitor = new_id()
    reply = running.app.assistant.reply(Incoming("Do you sell green bicycles?", visitor))
    running.app.rate(reply.id, visitor, -1, "wrong")
    reason = HandoffReason.CUSTOMER_REQUEST
    running.app.handovers.request(reply.session_id, visitor, reason)
    page = new_page("en-US")
    page.goto("/desk")
    expect(page.locator("[name=password]")).to_be_visible()
    wrong = {"login": findings(page)}
    enter(page, running)
    for tab in page.get_by_role("tab").all():
        name = tab.inner_text().strip()
        tab.click()
        page.wait_for_timeout(1000)  # it is filled
        wrong[name] = findings(page)
        if name in OPENED:  # a thing of its list
            listed, shown = OPENED[name]
            page.locator(listed).first.click()
            expect(page.locator(shown).first).to_be_visible()
            if name == "Conversations":
                page.locator("#turns .trace summary").first.click()
            wrong[f"{name}, opened"] = findings(page)
    assert len(wrong) == len(TABS) + len(OPENED) + 1
    told = [f"{name}: {line}" for name, lines in wrong.items() for line in lines]
    assert not told, "\n".join(told)


def test_the_cards_of_intents_and_webhooks(new_page: NewPage, running: Running) -> None:
    for text in ("my aunt moved, what now", "the lid came loose, could you look at it"):
        running.app.assistant.reply(Incoming(text, new_id()))
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Intents").click()
    page.locator("#intents .body-cell").first.click()
    expect(page.locator("#intent")).to_be_visible()
    page.locator("#suggested-look").click()
    expect(page.locator("#suggested label").first).to_be_visible()
    page.locator("#intent-text textarea, #intent-text input").first.fill("Where is my parcel?")
    page.locator("#try-intent").click()
    expect(page.locator("#intent-found table")).to_be_visible()
    wrong = findings(page)
    page.get_by_role("tab", name="People").click()
    url = "https://93.184.215.14/x"
    page.locator("#webhook-url textarea, #webhook-url input").first.fill(url)
    page.locator("#webhook-events label").first.click()
    page.locator("#webhook-add").click()
    expect(page.locator("#webhook-secret textarea, #webhook-secret input")).to_be_visible()
    page.locator("#webhook input").first.click()
    page.get_by_role("option").first.click()
    expect(page.locator("#webhook-one")).to_be_visible()
    wrong += findings(page)
    for hook in running.site.team.webhooks.all():
        running.site.team.webhooks.remove(hook.id, "test")
    assert not wrong, "\n".join(wrong)
