"""A real Chromium in front of a real server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.ui.conftest import Running, running

__all__ = ["running"]

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=30_000)  # a busy machine draws slowly
NewPage = Callable[..., Page]
Shot = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium; the journeys fail without one."""
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    assert path, "Chromium is missing: apt-get install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser, running: Running) -> Iterator[NewPage]:
    """Makes a page of a new visitor; at the end no page may have called another machine."""
    contexts: list[BrowserContext] = []
    elsewhere: list[str] = []

    def made(language: str = "en-US", size: Any = WIDE) -> Page:
        context = chromium.new_context(base_url=running.url, locale=language, viewport=size)
        contexts.append(context)
        context.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((running.url, "data:", "blob:"))
                else elsewhere.append(r.url)
            ),
        )
        page = context.new_page()
        page.on("dialog", lambda dialog: elsewhere.append(f"dialog {dialog.message}"))
        return page

    yield made
    for context in contexts:
        context.close()
    assert elsewhere == []


@pytest.fixture
def shot() -> Shot:
    """Saves a picture of the page under build/screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def saved(page: Page, name: str) -> None:
        page.wait_for_timeout(300)  # fades
        page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=True)

    return saved
