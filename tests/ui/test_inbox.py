"""The inbox over Gradio's own protocol: what an agent's browser calls, what a customer hears."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatbot.drafts import edited
from chatbot.handovers import Handovers, Status
from chatbot.office import Office
from chatbot.packet import Packet
from chatbot.store import new_id
from chatbot.types import HandoffReason
from tests.ui.conftest import PASSWORD, Running
from tests.ui.test_customer import Browser
from ui.availability import Availability
from ui.pages import packet
from ui.texts import LANGUAGES, texts


@pytest.fixture(scope="module")
def desk(running: Running) -> Browser:
    """An agent's browser, logged in."""
    session = running.site.accounts.set_up(running.token, PASSWORD, "here")
    return Browser(running.url, "/desk", session)


def tick(browser: Browser, *values: object) -> str:
    """What the page's timer brings."""
    timer = next(c["id"] for c in browser.config["components"] if c["type"] == "timer")
    function = next(
        d["id"] for d in browser.config["dependencies"] if [timer, "tick"] in d["targets"]
    )
    return browser.call(function, list(values))


def test_an_agent_answers_and_the_customer_reads_it(running: Running, desk: Browser) -> None:
    customer = Browser(running.url)
    customer.ask("Can I return opened tea?")
    (line, *_) = running.app.store.sessions()
    assert "process_completed" in tick(desk, None, None, "waiting", None, "en")
    called = customer.call(customer.function("person", "click"), [None, "en"])
    assert "You are number 1 in the queue" in called
    alert = tick(desk, None, None, "waiting", None, "en")
    assert "A customer asks for a person: Can I return opened tea?" in alert
    assert "1 waiting" in alert
    assert "A customer asks" not in tick(desk, None, None, "waiting", None, "en")

    read = desk.call(desk.function("calls", "input"), [line.id, "waiting", None, "en"])
    assert "First question" in read and "Can I return opened tea?" in read
    at = ["waiting", None, "en"]
    assert "yours" in desk.call(desk.function("take", "click"), at)
    draft = desk.call(desk.function("suggest", "click"), ["Hello!", None, "en"])
    assert "Hello!" in draft and "Opened tea cannot be returned." in draft
    desk.call(desk.function("note", "click"), ["NOTE-SECRET", *at])
    assert "Sent." in desk.call(
        desk.function("reply-send", "click"), ["REPLY-MARK <b>x</b>", *at, None, None]
    )
    assert edited(running.app.database) == []  # it has nothing of the suggestion
    heard = tick(customer, None, None, "en")
    assert "REPLY-MARK &lt;b&gt;x" in heard and "a person of the team" in heard
    assert "NOTE-SECRET" not in heard
    assert "REPLY-MARK" not in tick(customer, None, None, "en")  # nothing new

    customer.ask("and green tea? write to jo@eirmail.example")
    assert "jo@eirmail.example" in tick(desk, None, None, "mine", None, "en")
    roles = [t.message.role for t in running.app.store.transcript(line.id, _visitor(customer))]
    assert roles == ["user", "assistant", "agent", "user"]  # the assistant is silent
    desk.call(desk.function("give-back", "click"), at)
    again = tick(desk, None, None, "solved", None, "en")  # nobody's any more: masked
    assert "[EMAIL_1]" in again and "jo@eirmail.example" not in again
    assert "The AI assistant answers again" in tick(customer, None, None, "en")
    assert "cannot be returned" in customer.ask("Can I return opened tea?")


def test_a_suggestion_is_kept_beside_what_the_agent_made_of_it(
    running: Running, desk: Browser
) -> None:
    def called() -> str:
        customer = Browser(running.url)
        customer.ask("Can I return opened tea?")
        customer.call(customer.function("person", "click"), [None, "en"])
        mine = running.app.store.latest_session(_visitor(customer), "web")
        assert mine is not None
        return mine.id

    def read(session: str) -> None:
        tick(desk, None, None, "waiting", None, "en")
        desk.call(desk.function("calls", "input"), [session, "waiting", None, "en"])

    def send(text: str) -> None:
        values = [text, "waiting", None, "en", None, None]
        assert "Sent." in desk.call(desk.function("reply-send", "click"), values)

    first, second = called(), called()
    read(first)
    desk.call(desk.function("suggest", "click"), ["", None, "en"])
    read(second)  # the suggestion was for the other customer
    send("Opened tea cannot be returned, as I said to somebody else.")
    assert edited(running.app.database) == []
    read(first)
    desk.call(desk.function("suggest", "click"), ["", None, "en"])
    send("I am sorry, opened tea cannot be returned.")
    send("Opened tea cannot be returned, as I said.")  # of no suggestion any more
    (one,) = edited(running.app.database)
    assert (one.session, one.sent) == (first, "I am sorry, opened tea cannot be returned.")
    assert "Opened tea cannot be returned" in one.suggested


def _visitor(browser: Browser) -> str:
    return str(browser.http.cookies["zhike_visitor"])


def test_a_mistake_is_a_sentence_and_changes_nothing(running: Running, desk: Browser) -> None:
    sent = desk.call(desk.function("reply-send", "click"), [" ", "waiting", None, "en", None, None])
    assert "This did not work" in sent
    saved = desk.call(desk.function("canned-save", "click"), ["", "text", "en"])
    assert "needs a name and a text" in saved
    named = desk.call(desk.function("rename", "click"), ["  ", "en"])
    assert "The name is empty" in named
    assert running.app.canned.list() == ()


def test_a_canned_reply_is_inserted_by_name(running: Running, desk: Browser) -> None:
    saved = desk.call(desk.function("canned-save", "click"), ["sorry", "We are sorry.", "en"])
    assert "Saved: sorry" in saved
    put = desk.call(desk.function("canned-pick", "input"), ["sorry", "Dear Ann,"])
    assert "We are sorry." in put and "Dear Ann," in put


def test_the_ticks_of_an_open_page_keep_no_session_up(running: Running, desk: Browser) -> None:
    old = (datetime.now(UTC) - timedelta(minutes=29)).isoformat()
    database = running.app.database
    with database.write() as db:
        db.execute("UPDATE staff_sessions SET seen = ?", [old])
    tick(desk, None, None, "waiting", None, "en")
    assert database.row("SELECT MAX(seen) AS seen FROM staff_sessions") == {"seen": old}
    desk.call(desk.function("queue", "input"), ["mine", None, "en"])
    assert database.row("SELECT seen FROM staff_sessions WHERE seen > ?", old)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_packet_escapes_what_customers_wrote(language: str, running: Running) -> None:
    app, evil = running.app, "<img src=x onerror=alert(1)>"
    session = app.store.open_session(new_id(), "web")
    app.store.add_message(session.id, "user", evil)
    app.handovers.request(session.id, session.visitor, HandoffReason.ANGER, evil)
    made, words = app.handovers.packet(session.id), texts(language)
    assert isinstance(made, Packet)
    shown = packet.card(made, evil, app.knowledge.passage, words)
    assert "<img" not in shown and "&lt;img" in shown
    assert words("mood.angry") in shown


OFFICE = Office.of(("Mon-Fri 09:00-18:00",), "Asia/Shanghai")
MONDAY, SUNDAY = datetime(2026, 11, 23, 2, tzinfo=UTC), datetime(2026, 11, 22, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "staffed", "language", "said"),
    [(MONDAY, True, "en", "number 2 in the queue; you can go on writing here meanwhile. "
      "Colleagues answer Mon–Fri 09:00–18:00 (Asia/Shanghai)."),
     (MONDAY, False, "en", "Nobody from the team is logged in right now."),
     (MONDAY, False, "en", "Leave an e-mail address"),
     (SUNDAY, True, "en", "not at work right now and is back Mon 09:00."),
     (SUNDAY, True, "zh-Hans", "同事将于周一 09:00回来。服务时间：周一至周五 09:00–18:00")],
)  # fmt: skip
def test_customers_are_told_who_is_there(
    now: datetime, staffed: bool, language: str, said: str
) -> None:
    there = Availability(OFFICE, (), lambda: staffed, lambda: now)
    sentence = there.sentence(Status("waiting", 2), texts(language))
    assert said in sentence
    assert there.away() == ("eave" in sentence or "留下" in sentence)


def test_after_a_long_time_off_the_day_is_named_with_its_date() -> None:
    off = Office.of(("Mon-Fri 09:00-18:00",), "Asia/Shanghai", ("2026-11-22..2026-12-01",))
    there = Availability(off, (), lambda: True, lambda: MONDAY)
    said = there.sentence(Status("waiting", 1), texts("en"))
    assert "is back Wed 2026-12-02 09:00." in said and there.away()


def test_every_state_has_its_sentence(running: Running) -> None:
    there, words = Availability(OFFICE, (), lambda: True, lambda: MONDAY), texts("en")
    assert isinstance(running.app.handovers, Handovers)
    assert "Kim" in there.sentence(Status("person", agent="Kim"), words)
    assert "was ended" in there.sentence(Status("closed"), words)
    assert "answers again" in there.sentence(Status("bot", outcome="returned", quiet=True), words)
    assert there.sentence(Status("bot", outcome="returned"), words) == ""  # written on since
    assert there.sentence(Status("bot"), words) == ""
