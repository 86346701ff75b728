"""Staff look at transcripts before they train, in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PHONE, NewPage, Shot
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running

pytestmark = pytest.mark.slow


def choose(page: Page, name: str, option: str) -> None:
    """Take an option of a dropdown."""
    page.locator(f"#{name} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_table_is_mapped_looked_at_and_a_row_put_back(
    new_page: NewPage, running: Running, shot: Shot, tmp_path: Path
) -> None:
    path = tmp_path / "questions.csv"
    rows = [
        (f"Is teapot {n} with the handle back?", f"Yes, teapot {n} stands on shelf {n + 2} again.")
        for n in range(1, 20)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("They asked", "We said"), *rows, ("Is it open?", "Yes.")])
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Training").click()
    page.locator("#source label", has_text="My own files").click()
    page.locator("#transcripts input[type=file]").set_input_files(str(path))
    expect(page.locator("#transcripts")).to_contain_text("questions")
    page.locator("#look").click()
    expect(page.locator("#look-files")).to_contain_text("not recognised", timeout=60_000)
    expect(page.locator("#map-rows")).to_contain_text("teapot 1 stands on shelf 3")
    for field, column in (("question", "They asked"), ("answer", "We said")):
        choose(page, "map-field", field)
        choose(page, "map-name", column)
        page.locator("#map-use").click()
        expect(page.locator("#map-rows")).to_contain_text(f"{field} ← {column}", timeout=60_000)
    expect(page.locator("#look-said")).to_contain_text("We said is remembered")
    expect(page.locator("#look-files")).to_contain_text("table of answers")
    expect(page.locator("#funnel tr", has_text="Read").first).to_contain_text("20 conversations")
    expect(page.locator("#funnel .bar div").first).to_be_visible()
    expect(page.locator("#dropped label")).to_contain_text("Is it open?")
    shot(page, "desk-look-1280")
    page.locator("#dropped label").click()
    page.locator("#put-back").click()
    expect(page.locator("#look-said")).to_contain_text("1 put back", timeout=60_000)
    expect(page.locator("#dropped-reason input")).to_have_value("put back by people (1)")

    phone = new_page("zh-CN")
    enter(phone, running)
    phone.get_by_role("tab", name="训练").click()
    phone.set_viewport_size(
        {"width": PHONE["width"], "height": PHONE["height"]}
    )  # from here on: on a phone the tab stands in a menu
    phone.locator("#source label", has_text="我自己的文件").click()
    phone.locator("#transcripts input[type=file]").set_input_files(str(path))
    expect(phone.locator("#transcripts")).to_contain_text("questions")
    phone.locator("#look").click()  # the mapping is remembered
    expect(phone.locator("#funnel")).to_contain_text("近似重复", timeout=90_000)
    shot(phone, "desk-look-390")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
