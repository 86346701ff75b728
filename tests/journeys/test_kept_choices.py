"""Lists of the desk that are read again, in a real browser: what is chosen in them stays chosen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import NewPage
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running
from tests.ui.test_lessons_page import write

pytestmark = pytest.mark.slow
SETTLED = 1_500  # milliseconds: a tab that is opened again has been filled


def away_and_back(page: Page, tab: str) -> None:
    """The tab is filled again, as by a late refresh."""
    page.get_by_role("tab", name="Health").click()
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(SETTLED)


def choose(page: Page, element: str, row: str) -> None:
    page.locator(f"#{element} input").click()
    page.get_by_role("option").filter(has_text=row).click()


def test_a_key_and_a_webhook_stay_chosen(new_page: NewPage, running: Running) -> None:
    team = running.site.team
    page = new_page("en-US")
    enter(page, running)
    for name in ("till", "shelf"):
        team.keys.add(name, ["chat"], "admin", owner="admin")
    till = next(key for key in team.keys.all() if key.name == "till")
    hook, _ = team.webhooks.add("https://shop.example/told", ["document.published"], "admin")
    page.get_by_role("tab", name="People").click()
    page.wait_for_timeout(SETTLED)
    choose(page, "key", "till")
    choose(page, "webhook", hook.id)
    expect(page.locator("#webhook-one")).to_be_visible()
    page.locator("#webhook-remove").click()  # asks again
    away_and_back(page, "People")
    expect(page.locator("#key input")).to_have_value(f"till · {till.id}")
    expect(page.locator("#webhook input")).to_have_value(f"{hook.url} · {hook.id}")
    expect(page.locator("#webhook-one")).to_be_visible()

    team.keys.revoke(till.id, "admin")  # by somebody else
    away_and_back(page, "People")
    expect(page.locator("#key input")).to_have_value("")
    team.webhooks.remove(hook.id, "admin")
    away_and_back(page, "People")
    expect(page.locator("#webhook-one")).to_be_hidden()


def test_lessons_stay_chosen(new_page: NewPage, running: Running) -> None:
    write(running, "Do you gift-wrap?", "Yes, for free.")
    write(running, "Do you engrave?", "No, sorry.")
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Training").click()
    row = page.locator("#lesson-list label", has_text="gift-wrap").locator("input")
    row.check()
    write(running, "Do you ship to Oslo?", "Yes.")
    away_and_back(page, "Training")
    expect(page.locator("#lesson-list label", has_text="Oslo")).to_be_visible()
    expect(row).to_be_checked()
    page.locator("#lesson-accept").click()
    expect(page.locator("#lesson-said")).to_contain_text("accepted")
    expect(page.locator("#lesson-list label", has_text="gift-wrap")).to_have_count(0)
    expect(page.locator("#lesson-list input:checked")).to_have_count(0)


def test_the_intent_that_messages_go_to_stays_chosen_while_a_model_is_trained(
    new_page: NewPage, running: Running
) -> None:
    store = running.app.store
    session = store.open_session("f" * 32, "web")
    store.add_message(session.id, "user", "my umbrella is stuck, is that one of yours?")
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Intents").click()
    page.locator("#suggested-look").click()
    expect(page.locator("#suggested-into input")).to_have_value("the best guess of each")
    choose(page, "suggested-into", "product")
    row = page.locator("#suggested input").first
    row.check()
    page.locator("#train-intents").click()
    page.wait_for_timeout(3_000)  # a look at how the training goes
    away_and_back(page, "Intents")
    expect(page.locator("#suggested-into input")).to_have_value("product")
    expect(row).to_be_checked()
    running.app.assistant.intents.close()
