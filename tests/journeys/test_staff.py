"""What staff do, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from tests.journeys.conftest import PHONE, NewPage, Shot
from tests.ui.conftest import PASSWORD, Running

pytestmark = pytest.mark.slow


def enter(page: Page, running: Running) -> None:
    """Log in; the first time with the one-time token."""
    page.goto("/desk")
    if page.locator("[name=token]").count():
        page.locator("[name=token]").fill(running.token)
        page.locator("[name=again]").fill(PASSWORD)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("button").click()
    expect(page.locator("#documents .body-cell").first).to_be_visible(timeout=30_000)


def test_first_start_upload_search_remove(
    new_page: NewPage, running: Running, shot: Shot, tmp_path: Path
) -> None:
    page = new_page("en-US")
    page.goto("/desk")
    expect(page).to_have_url(f"{running.url}/desk/login")
    shot(page, "desk-setup-1280")
    page.locator("[name=token]").fill("guess")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.locator("button").click()
    expect(page.locator(".problem")).to_contain_text("not valid")
    enter(page, running)

    good, bad = tmp_path / "parking.md", tmp_path / "broken.pdf"
    good.write_text("# Parking\n\nParking at the harbour shop is free for two hours.\n")
    bad.write_bytes(b"this is no PDF")
    page.locator("#upload input[type=file]").set_input_files([str(good), str(bad)])
    expect(page.locator("#upload")).to_contain_text("parking")
    page.locator("#add").click()
    expect(page.locator("#results")).to_contain_text("added", timeout=30_000)
    expect(page.locator("#results")).to_contain_text("failed", timeout=30_000)

    expect(page.get_by_role("gridcell", name="parking.md").first).to_be_visible(timeout=30_000)
    query = page.locator("#query").locator("textarea, input")
    query.fill("Where can I park at the harbour?")
    expect(query).to_have_value("Where can I park at the harbour?")
    page.locator("#search").click()
    first = page.locator("#found .passages tbody tr").first
    expect(first).to_contain_text("free for two hours")
    cosine = float(first.locator("td").nth(3).inner_text())
    assert 0.7 < cosine <= 1
    shot(page, "desk-documents-1280")
    cut = page.locator("#documents .header-cell :not(svg *)").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth && e.clientWidth && e.innerText)"
        ".map(e => e.innerText)"
    )
    assert cut == [], "column headers are cut"
    last = page.locator("#documents .header-cell").last.bounding_box()
    whole = page.locator("#documents").bounding_box()
    assert last and whole
    cell = page.locator("#documents .virtual-row .body-cell").nth(6).bounding_box()
    assert cell and abs(cell["x"] - last["x"]) < 2, "header and column stand apart"
    for end in (last["x"] + last["width"], cell["x"] + cell["width"]):
        assert end > whole["x"] + whole["width"] - 5, "an empty strip"

    page.locator("#documents .body-cell", has_text="parking.md").first.click()
    expect(page.locator("#document .chunk").first).to_contain_text("free for two hours")
    page.locator("#remove").click()
    expect(page.locator("#remove")).to_contain_text("Click again")
    page.locator("#remove").click()
    expect(page.locator("#removed")).to_contain_text("parking.md was removed")
    page.locator("#search").click()
    expect(page.locator("#found")).not_to_contain_text("free for two hours")

    page.locator(".links .out").click()
    expect(page).to_have_url(f"{running.url}/desk/login")
    assert page.request.get("/desk/config").status == 401


def test_a_conversation_is_read_with_its_reasons(
    new_page: NewPage, running: Running, shot: Shot
) -> None:
    caller = new_id()
    asked = running.app.assistant.reply(Incoming("Hello", caller, language="en"))
    running.app.handovers.request(asked.session_id, caller, HandoffReason.CUSTOMER_REQUEST)
    question = Incoming("Can I return opened tea?", new_id(), language="en")
    running.app.assistant.reply(question)
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Conversations").click()
    page.locator("#sessions label").first.click()
    expect(page.locator(".turn.assistant .reply").first).to_contain_text("cannot be returned")
    page.locator(".trace summary").first.click()
    expect(page.locator(".steps").first).to_contain_text("approved answer")
    expect(page.locator(".steps").first).to_contain_text("intent (patterns)")
    expect(page.locator(".steps").first).to_contain_text("intent (meaning)")
    expect(page.locator(".turn .when").first).to_contain_text("UTC")
    expect(page.locator("#sessions label").first).to_contain_text("UTC")
    shot(page, "desk-conversation-1280")
    page.get_by_role("tab", name="Training").click()
    expect(page.locator("#training-now")).to_contain_text("No training is running")
    expect(page.locator("#runs")).to_contain_text("no runs yet")
    page.locator("#promote").click()
    expect(page.locator("#training-changed")).to_contain_text("Choose a run first")
    page.locator("#rollback").click()
    expect(page.locator("#training-changed")).to_contain_text("nothing to roll back")
    shot(page, "desk-training-1280")
    page.get_by_role("tab", name="Health").click()
    expect(page.locator("#health")).to_contain_text("multilingual-e5-small")
    row = page.locator("#health tr", has_text="Chunks").locator("td")
    expect(row).to_have_text(str(running.app.knowledge.status().chunks))
    waiting = sum(session.waiting for session in running.app.store.sessions())
    row = page.locator("#health tr", has_text="waiting for a person").locator("td")
    expect(row).to_have_text(str(waiting))
    shot(page, "desk-health-1280")


def test_the_desk_on_a_chinese_phone(new_page: NewPage, running: Running, shot: Shot) -> None:
    page = new_page("zh-CN", PHONE)
    enter(page, running)
    expect(page.get_by_role("tab", name="文档")).to_be_visible()
    shot(page, "desk-documents-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_health_on_an_english_phone(new_page: NewPage, running: Running) -> None:
    page = new_page("en-US", PHONE)
    enter(page, running)
    page.locator(".overflow-menu button").first.click()
    page.locator(".overflow-dropdown button", has_text="Health").click()
    value = page.locator("#health td", has_text="multilingual-e5-small")
    box = value.bounding_box()
    assert box is not None and box["width"] > 120, "a letter on each line"
    expect(page.locator("#health")).to_contain_text("ready")
