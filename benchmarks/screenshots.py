"""Pictures of every page of the real product, for the README: samples/screenshots/*.png.

Starts `zhike serve` with the sample shop, acts as a customer and as staff in Chromium, trains with
the smoke preset and promotes the run. About ten minutes on two cores, most of it training.

    python benchmarks/screenshots.py [--home FOLDER] [--port 7891] [--output FOLDER] [--no-training]

A home that is kept is used again: it must have been set up by this script.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
PASSWORD = "harbour lantern quilt 88"
WIDE, PHONE = (1280, 860), (390, 844)
MARGIN = 16  # pixels around a part
TALLEST = 1_500  # pixels of a picture
LARGEST = 200 * 1024  # bytes of a picture
LOADING = 600.0  # seconds for samples and their vectors
RECEIVER = "http://localhost:8899/zhike"  # of a webhook; nobody listens there
TRAINING = 900.0  # seconds; the preset itself ends within five minutes
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=60_000)


class Server:
    """A running `zhike serve` and what it printed."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        self._output = (home / "serve.log").open("w+", encoding="utf-8")
        command = [sys.executable, "-m", "ui.cli", "serve", "--port", str(port)]
        here = {"ZHIKE_HOME": str(home), "ZHIKE_SERVER_WEBHOOK_LOOPBACK": "true"}
        environment = {**os.environ, **here}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self._output, stderr=subprocess.STDOUT
        )

    def wait(self) -> None:
        """Until it is ready and the samples are in."""
        until = time.monotonic() + LOADING
        while not ((self.home / "samples.loaded").exists() and self._ready()):
            if self._process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"The server did not get ready:\n{self.printed()}")
            time.sleep(1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=30) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except (urllib.error.URLError, TimeoutError):
            return False

    def printed(self) -> str:
        return (self.home / "serve.log").read_text("utf-8")

    def token(self) -> str:
        """The one-time token of a first start."""
        found = re.search(r"one-time token:\s+(\S+)", self.printed())
        if found is None:
            raise SystemExit("The server printed no one-time token. Use a new home.")
        return found[1]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._output.close()


@contextmanager
def serving(home: Path, port: int) -> Iterator[Server]:
    """A server that is ready; stopped at the end."""
    server = Server(home, port)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class Camera:
    """Opens pages and saves them as small PNG files."""

    def __init__(self, browser: Browser, url: str, output: Path) -> None:
        self._browser, self._url, self._output = browser, url, output

    def page(self, language: str, size: tuple[int, int] = WIDE) -> Page:
        """A page of a new visitor."""
        context = self._browser.new_context(
            base_url=self._url, locale=language, viewport={"width": size[0], "height": size[1]}
        )
        return context.new_page()

    def shoot(self, page: Page, name: str, part: str = "") -> None:
        """Save the page, or a part of it, from its top.

        Raises SystemExit when the file would be too large.
        """
        page.wait_for_timeout(500)  # fades
        path = self._output / f"{name}.png"
        clip = _around(page, part) if part else None
        page.screenshot(path=str(path), full_page=True, clip=clip)
        with Image.open(path) as shot:
            cut = shot.convert("RGB").crop((0, 0, shot.width, min(shot.height, TALLEST)))
        cut.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        size = path.stat().st_size
        print(json.dumps({"picture": path.name, "bytes": size}))
        if size > LARGEST:
            raise SystemExit(f"{path.name} has {size} bytes; at most {LARGEST} are wanted.")


def _around(page: Page, part: str) -> FloatRect:
    """Where a part of the page is, with a margin."""
    box = page.locator(part).bounding_box()
    if box is None:
        raise SystemExit(f"{part} is not on the page.")
    down = float(page.evaluate("scrollY"))
    return {
        "x": box["x"] - MARGIN,
        "y": box["y"] + down - MARGIN,
        "width": box["width"] + 2 * MARGIN,
        "height": box["height"] + 2 * MARGIN,
    }


def ask(page: Page, text: str) -> None:
    """Send a question and wait for the whole reply."""
    before = page.locator(".bot-turn .meta").count()
    page.locator("#question textarea").fill(text)
    page.locator("#send").click()
    expect(page.locator(".bot-turn .meta")).to_have_count(before + 1)
    expect(page.locator("#send")).to_be_visible()


def open_source(page: Page) -> None:
    """Open the first source of the last reply and show all of it."""
    source = page.locator(".bot-turn").last.locator(".cite").first
    source.locator("summary").click()
    expect(source.locator("mark").first).to_be_visible()
    page.locator(".bot-turn .meta").last.scroll_into_view_if_needed()


def customers(camera: Camera) -> None:
    """The customer page in both languages, and on a phone."""
    for name, language, questions, size in (
        ("customer-en", "en-US", ("My K1 shows E2, what should I do?",), WIDE),
        ("customer-zh", "zh-CN", ("云Pro 显示 E2 怎么办",), WIDE),
        ("customer-phone", "zh-CN", ("普通快递多少钱？",), PHONE),
    ):
        page = camera.page(language, size)
        page.goto("/")
        for question in questions:
            ask(page, question)
        open_source(page)
        camera.shoot(page, name)
        page.context.close()


def enter(page: Page, camera: Camera, server: Server) -> None:
    """Log in to the desk; the first time with the one-time token."""
    page.goto("/desk")
    if page.locator("[name=token]").count():
        camera.shoot(page, "desk-setup")
        page.locator("[name=token]").fill(server.token())
        page.locator("[name=again]").fill(PASSWORD)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("button").click()
    expect(page.locator("#documents .body-cell").first).to_be_visible()


def train_and_promote(page: Page) -> None:
    """A run of the smoke preset from the desk, and its promotion; a finished run is kept."""
    page.get_by_role("tab", name="Training").click()
    expect(page.locator("#runs")).not_to_be_empty()
    if not page.locator("#runs tbody tr", has_text="done").count():
        page.locator("#train").click()
        expect(page.locator("#training-said")).to_contain_text("was started")
        expect(page.locator("#runs tbody tr").first).to_contain_text(
            "done", timeout=TRAINING * 1_000
        )
    if page.locator("#runs tbody tr", has_text="●").count():
        return
    name = page.locator("#runs tbody tr td").first.inner_text()
    page.locator("#run input").click()
    page.get_by_role("option", name=name).click()
    page.locator("#promote").click()
    expect(page.locator("#training-changed")).to_contain_text("from the next message on")


def complaint(camera: Camera) -> None:
    """A visitor who rates a reply down and calls a person."""
    visitor = camera.page("en-US")
    visitor.goto("/")
    ask(visitor, "How long is the warranty on the K2 base?")
    visitor.locator(".message-buttons button").first.click()
    visitor.locator("#person").click()
    expect(visitor.locator("#notice")).not_to_be_empty()


def staff(camera: Camera, server: Server, *, training: bool) -> None:
    """Every tab of the desk. training: with a run, which takes minutes."""
    page = camera.page("en-US")
    enter(page, camera, server)
    page.locator("#query").locator("textarea, input").fill("Who pays the freight of a return?")
    page.locator("#search").click()
    expect(page.locator("#found .passages tbody tr").first).to_be_visible()
    camera.shoot(page, "desk-documents")
    edit(page)
    camera.shoot(page, "desk-editor", "#document")
    if training:
        train_and_promote(page)
        camera.shoot(page, "desk-training")
    complaint(camera)
    page.get_by_role("tab", name="Inbox").click()
    page.locator("#calls label").first.click()
    expect(page.locator("#case-turns .turn").first).to_be_visible()
    camera.shoot(page, "desk-inbox")
    page.get_by_role("tab", name="Feedback").click()
    page.locator("#complaints label").first.click()
    expect(page.locator("#complaint .turn").first).to_be_visible()
    camera.shoot(page, "desk-feedback")
    page.get_by_role("tab", name="Insights").click()
    expect(page.locator("#insights .bars").first).to_be_visible()
    camera.shoot(page, "desk-insights")
    intents(page)
    camera.shoot(page, "desk-intents")
    conversation(page)
    camera.shoot(page, "desk-conversations")
    page.get_by_role("tab", name="Health").click()
    expect(page.locator("#health")).to_contain_text("multilingual-e5-small")
    camera.shoot(page, "desk-health")
    webhook(page)
    camera.shoot(page, "desk-webhooks", ".card:has(#webhooks)")
    in_chinese(camera, server)


def edit(page: Page) -> None:
    """A document open in its editor."""
    page.locator("#filter-text").locator("textarea, input").press_sequentially("return")
    page.locator("#documents .body-cell", has_text="en/").first.click()
    page.locator("#edit").click()
    expect(page.locator("#editor-text textarea")).not_to_be_empty()


def intents(page: Page) -> None:
    """What customers want, and the messages worth a label."""
    page.get_by_role("tab", name="Intents").click()
    page.locator("#intent-text").locator("textarea, input").fill("Where is my parcel?")
    page.locator("#try-intent").click()
    expect(page.locator("#intent-found table")).to_be_visible()
    page.locator("#suggested-look").click()
    expect(page.locator("#suggested label").first).to_be_visible()


def webhook(page: Page) -> None:
    """A program that is told of events; it is added once."""
    page.get_by_role("tab", name="People").click()
    expect(page.locator("#webhooks")).not_to_be_empty()
    if not page.locator("#webhooks tbody tr").count():
        page.locator("#webhook-url").locator("textarea, input").fill(RECEIVER)
        page.locator("#webhook-events label").first.click()
        page.locator("#webhook-add").click()
        expect(page.locator("#webhook-secret")).to_be_visible()
        page.reload()  # its secret is in no picture
        page.get_by_role("tab", name="People").click()
    page.locator("#webhook input").click()
    page.get_by_role("option").first.click()
    expect(page.locator("#webhook-one")).to_be_visible()


def in_chinese(camera: Camera, server: Server) -> None:
    """The approved answers, and the desk on a phone."""
    for name, size in (("desk-approved", WIDE), ("desk-phone", PHONE)):
        page = camera.page("zh-CN", size)
        enter(page, camera, server)
        if size == WIDE:
            page.get_by_role("tab", name="标准答案").click()
            page.locator("#pairs .body-cell").first.click()
            expect(page.locator("#pair-switch")).to_be_visible()
        camera.shoot(page, name)
        page.context.close()


def conversation(page: Page) -> None:
    """The newest conversation, with the reasons behind its reply."""
    page.get_by_role("tab", name="Conversations").click()
    page.locator("#sessions label").first.click()
    expect(page.locator("#turns .turn.assistant .reply").first).to_be_visible()
    page.locator("#turns .trace summary").first.click()


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of every page, for the README.")
    parser.add_argument("--home", type=Path, help="kept and used again; else a temporary one")
    parser.add_argument("--port", type=int, default=7891)
    parser.add_argument("--output", type=Path, default=ROOT / "samples" / "screenshots")
    parser.add_argument("--no-training", action="store_true", help="all but the training page")
    chosen = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is missing. Run `make browser`.")
    chosen.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zhike-screenshots-") as temporary:
        home = chosen.home or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        with serving(home, chosen.port) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            camera = Camera(browser, server.url, chosen.output)
            customers(camera)
            staff(camera, server, training=not chosen.no_training)
            browser.close()


if __name__ == "__main__":
    main()
