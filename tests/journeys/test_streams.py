"""The page's stream of results: read late, ended early; no result may be lost."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import NewPage
from tests.journeys.test_customer import ask
from tests.journeys.test_staff import enter
from tests.ui.conftest import Running

pytestmark = pytest.mark.slow

LATE = """(() => {  // a busy page: it reads the last word of a stream one second late
  const call = window.fetch;
  const late = () => new TransformStream({
    async transform(chunk, stream) {
      const text = new TextDecoder("latin1").decode(chunk);
      const at = text.indexOf('data: {"msg":"close_stream"');
      if (at < 0) return stream.enqueue(chunk);
      stream.enqueue(chunk.slice(0, at));
      await new Promise((done) => setTimeout(done, 1000));
      window.lateWords = (window.lateWords || 0) + 1;
      stream.enqueue(chunk.slice(at));
    },
  });
  window.fetch = async (...request) => {
    const answer = await call(...request);
    if (!String(request[0].url ?? request[0]).includes("/queue/data?")) return answer;
    return new Response(answer.body.pipeThrough(late()), answer);
  };
})()"""


def press_two(page: Page) -> None:
    """Two buttons right after each other, and both results."""
    said = page.locator("#training-changed")
    page.locator("#promote").click()
    expect(said).to_contain_text("Choose a run first", timeout=10_000)
    page.locator("#rollback").click()
    expect(said).to_contain_text("nothing to roll back", timeout=10_000)


def test_fast_clicks_on_a_busy_page(new_page: NewPage, running: Running) -> None:
    page = new_page("en-US")
    page.add_init_script(LATE)
    enter(page, running)
    page.get_by_role("tab", name="Training").click()
    expect(page.locator("#runs")).to_contain_text("no runs yet")
    for _ in range(3):
        press_two(page)
    assert page.evaluate("window.lateWords") > 3, "no stream was read late"


def test_a_stream_that_breaks(new_page: NewPage, running: Running) -> None:
    page = new_page("en-US")
    enter(page, running)
    page.get_by_role("tab", name="Training").click()
    expect(page.locator("#runs")).to_contain_text("no runs yet")

    def broken(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body='data: {"msg":"heartbeat"}\n\n')

    page.route("**/queue/data?*", broken, times=1)
    with page.expect_navigation():  # it loads itself again
        page.locator("#promote").click()
        expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
    expect(page.locator("#documents .body-cell").first).to_be_visible()
    page.get_by_role("tab", name="Training").click()
    press_two(page)


def test_a_click_while_the_page_is_still_opening(new_page: NewPage, running: Running) -> None:
    """It waits for the visitor's language and conversation; nothing is begun twice."""
    page = new_page("zh-CN")
    page.goto("/")
    ask(page, "普通快递多少钱？")
    began = {session.id for session in running.app.store.sessions()}

    def late(route: Route) -> None:
        time.sleep(2)  # a slow network: longer than a click takes
        route.continue_()

    page.route("**/gradio_api/queue/join*", late, times=1)
    page.reload(wait_until="domcontentloaded")
    page.locator("#person").wait_for()
    assert page.locator("#person").is_disabled(), "it was open at once: nothing was late"
    question = page.locator("#question textarea")
    question.fill("特快多少钱？")
    question.press("Enter")
    page.locator("#person").click()
    expect(page.locator("#notice")).to_contain_text("您的请求")
    expect(page.locator(".reply").first).to_contain_text("10 元")
    assert {session.id for session in running.app.store.sessions()} == began
    assert question.input_value() == "特快多少钱？", "what was written is gone"
