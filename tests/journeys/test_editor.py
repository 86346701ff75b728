"""What editors do, in a real browser."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import NewPage, Shot
from tests.journeys.test_accessibility import findings
from tests.journeys.test_customer import ask
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running
from tests.ui.test_feedback_page import complain

pytestmark = pytest.mark.slow
MANUAL = Path(__file__).parents[2] / "samples" / "knowledge" / "en" / "k2-manual.pdf"


def test_an_edited_sentence_answers_the_next_customer(
    new_page: NewPage, running: Running, shot: Shot
) -> None:
    page = new_page("en-US")
    enter(page, running)
    page.locator("#documents .body-cell", has_text="returns.md").first.click()
    page.locator("#edit").click()
    text = page.locator("#editor-text textarea")
    expect(text).to_have_value(running.app.knowledge.source(_returns(running)).text)
    assert findings(page) == []
    shot(page, "desk-editor-1280")
    text.fill(text.input_value().replace("within 30 days", "within 45 days"))
    page.locator("#editor-save").click()
    expect(page.locator("#document-said")).to_contain_text("saved as version 2")
    expect(page.locator("#history tbody tr")).to_have_count(2)

    customer = new_page("en-US")
    customer.goto("/")
    ask(customer, "Within how many days can an unused kettle be returned?")
    expect(customer.locator(".reply").last).to_contain_text("45 days")
    expect(customer.locator(".reply").last).not_to_contain_text("30 days")


def test_a_pdf_is_uploaded_as_a_draft_read_published_and_answers(
    new_page: NewPage, running: Running
) -> None:
    question = "Which power does the K2 have?"
    customer = new_page("en-US")
    customer.goto("/")
    ask(customer, question)
    expect(customer.locator(".reply").last).not_to_contain_text("1350 W")

    page = new_page("en-US")
    enter(page, running)
    page.locator("#upload input[type=file]").set_input_files(str(MANUAL))
    expect(page.locator("#upload")).to_contain_text("k2-manual")
    page.locator("#as-draft input").check()
    page.locator("#add").click()
    expect(page.locator("#preview")).to_contain_text("1350 W")
    ask(customer, question)
    expect(customer.locator(".reply").last).not_to_contain_text("1350 W")
    page.locator("#preview-publish").click()
    expect(page.locator("#preview")).to_be_hidden()
    ask(customer, question)
    expect(customer.locator(".reply").last).to_contain_text("1350 W")
    source = customer.locator(".bot-turn").last.locator(".cite").first
    source.locator("summary").click()
    expect(source.locator("mark").first).to_contain_text("1350 W")


def _returns(running: Running) -> str:
    return running.app.knowledge.find("returns.md").id


def test_a_choice_made_while_the_list_is_read_stays(
    new_page: NewPage, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        complain(running)
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Feedback").click()
    row = page.locator("#complaints input").nth(1)
    expect(row).to_be_visible()
    feedback, asked, go_on = running.app.feedback, threading.Event(), threading.Event()
    read = feedback.listed

    def slow(*given: Any) -> Any:
        asked.set()
        assert go_on.wait(60)
        return read(*given)

    monkeypatch.setattr(feedback, "listed", slow)
    page.locator("#feedback-refresh").click()
    assert asked.wait(30)
    row.check()
    page.wait_for_timeout(500)  # what follows from it would be there
    go_on.set()
    expect(page.locator("#complaint .turn").first).to_be_visible()
    page.wait_for_timeout(500)
    expect(row).to_be_checked()
    answer = page.locator("#feedback-answer textarea")
    answer.fill("Yes, within 90 days.")
    page.get_by_role("tab", name="Insights").click()
    page.get_by_role("tab", name="Feedback").click()
    page.wait_for_timeout(1000)  # it is filled
    expect(row).to_be_checked()
    expect(answer).to_have_value("Yes, within 90 days.")
