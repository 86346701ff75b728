"""Translation in the inbox, over Gradio's own protocol, with a generator on a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatbot.settings import ChatbotSettings
from chatbot.store import new_id
from chatbot.translated import Wording
from chatbot.types import HandoffReason, Incoming
from tests.chat_server import ChatServer, chunk, events, says, status, translates
from tests.ui.conftest import Running, listening, made
from tests.ui.desk import Desk
from tests.ui.staff import session_of
from tests.ui.test_customer import Browser
from ui import web
from ui.labels import Labels
from ui.metrics import Stored
from ui.pages import bubbles
from ui.pages.conversations import ConversationsTab
from ui.pages.translating import Runs
from ui.roles import Role
from ui.texts import texts

SPOKEN = ("en", "zh-Hans", "zh-Hant")
QUESTION = "普通快递多少钱？我的电话是 138 1234 5678"
DRAFT = "Standard shipping is 10 yuan, free from 99 yuan. Call [PHONE_1]."
REPLY = "普通快递 10 元，满 99 元包邮。请致电 [PHONE_1]。"
WORDS = {
    "普通快递多少钱？我的电话是 [PHONE_1]": "How much is standard shipping? My phone is [PHONE_1]",
    DRAFT: REPLY,
}


KNOWN = translates(WORDS)


@pytest.fixture(scope="module")
def generator() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, generator: ChatServer) -> Iterator[Running]:
    chatbot = ChatbotSettings(
        generator="base",
        generator_url=generator.url,
        generator_languages=SPOKEN,
        generator_retries=0,
        generator_silence_seconds=60,
    )
    app, settings = made(tmp_path_factory.mktemp("web") / "home", chatbot)
    site = web.build(app, settings)
    token = site.accounts.setup_token()
    assert token is not None
    with listening(site) as url:
        assert app.generator is not None
        app.generator.start()
        assert app.generator.wait(20)
        yield Running(url, site, app, token)
    app.close()


@pytest.fixture(scope="module")
def desk(running: Running) -> Desk:
    return Desk(running)


@pytest.fixture
def called(running: Running, generator: ChatServer, desk: Desk) -> str:
    """A Chinese customer who waits for a person, read in an English desk."""
    generator.script, generator.seen = [KNOWN], []
    generator.left.clear()
    return read(running, desk, QUESTION)


def read(running: Running, desk: Desk, *texts: str) -> str:
    visitor, id_ = new_id(), None
    for text in texts:
        id_ = running.app.assistant.reply(
            Incoming(text, visitor, id_, language="zh-Hans")
        ).session_id
    assert id_ is not None
    reason = HandoffReason.CUSTOMER_REQUEST
    running.app.handovers.request(id_, visitor, reason)
    desk.set("queue", "waiting")
    desk.do("queue", "input")
    desk.set("calls", id_)
    desk.set("translate-read", False)
    desk.set("reply-text", "")
    desk.do("calls", "input")
    return id_


def said(running: Running, session: str, role: str) -> list[str]:
    turns = running.app.store.turns(session)
    return [turn.message.text for turn in turns if turn.message.role == role]


def test_what_the_customer_wrote_stands_in_both_languages(
    running: Running, generator: ChatServer, desk: Desk, called: str
) -> None:
    assert desk.visible("translate-read") and desk.text("translate-why") == ""
    desk.do("translate-read", "input")  # off: nothing is asked
    assert generator.seen == []
    desk.set("translate-read", True)
    desk.do("translate-read", "input")
    assert desk.text("translate-said") == "" and len(generator.seen) == 1
    assert "1234" not in str(generator.seen)
    desk.do("calls", "input")
    shown = desk.text("case-turns")
    assert "Machine translation (openai:base)" in shown
    assert "How much is standard shipping? My phone is [PHONE_1]" in shown
    assert "普通快递多少钱？我的电话是 [PHONE_1]" in shown
    desk.do("take")  # whoever has the conversation reads what the placeholder stands for
    shown = desk.text("case-turns")
    assert "My phone is 138 1234 5678" in shown and "differ" not in shown
    desk.do("translate-read", "input")
    assert len(generator.seen) == 1  # what is translated stays so
    assert "My phone is [PHONE_1]" in str(running.app.wordings.of(called))
    samples = [sample for metric in Stored(running.app).collect() for sample in metric.samples]
    labels = [sample.labels for sample in samples if sample.name == "zhike_translations"]
    assert labels == [{"role": "user", "engine": "openai:base"}]


def test_a_draft_is_translated_read_edited_and_sent(
    running: Running, generator: ChatServer, desk: Desk, called: str
) -> None:
    assert desk.value("translate-draft") == "Translate into Simplified Chinese"
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    assert desk.value("reply-text") == REPLY
    assert desk.props[desk.ids["reply-text"]]["interactive"] is True
    hint = desk.text("draft")
    assert "Machine translation from English into Simplified Chinese (openai:base)" in hint
    assert DRAFT in hint and "differ" not in hint
    assert said(running, called, "agent") == []  # nothing is sent without a click
    assert desk.visible("translate-undo") and not desk.visible("translate-stop")
    desk.set("reply-text", REPLY + " 谢谢！")
    desk.do("reply-send")
    assert said(running, called, "agent") == [REPLY + " 谢谢！"]
    (message,) = [t.message for t in running.app.store.turns(called) if t.message.role == "agent"]
    kept = running.app.wordings.of(called)[message.id]
    assert kept == (Wording("en", DRAFT, "openai:base"),)
    assert desk.value("reply-text") == "" and not desk.visible("translate-undo")
    assert "Machine translation from English (openai:base); the text before" in desk.text(
        "case-turns"
    )
    visitor = running.app.handovers.session(called).visitor
    heard = [str(turn) for turn in running.app.store.transcript(called, visitor)]
    heard.append(json.dumps(running.app.erasure.export(visitor)))
    assert "Standard shipping" not in "".join(heard)  # staff only
    turns = running.app.store.transcript(called, visitor)
    assert [turn.message.role for turn in turns if turn.translated] == ["agent"]
    shown = str(bubbles.conversation(turns, texts("zh-Hans")))
    assert shown.count("机器翻译") == 1 and "Standard shipping" not in shown
    assert DRAFT in ConversationsTab(running.app, Labels())._show(called, "en")[0]
    assert "inbox.sent" in {e.action for e in running.site.accounts.audit.entries()}
    running.app.erasure.erase(visitor)
    assert running.app.wordings.of(called) == {}


def test_a_reply_that_is_not_the_translation_has_no_text_before(
    running: Running, generator: ChatServer, desk: Desk, called: str
) -> None:
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    desk.set("reply-text", "您好，我们明天再联系您。")
    desk.do("reply-send")
    assert running.app.wordings.of(called) == {}
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    other = read(running, desk, QUESTION)  # another conversation: the draft was not for it
    desk.set("reply-text", REPLY)
    desk.do("reply-send")
    assert said(running, other, "agent") == [REPLY]
    assert running.app.wordings.of(other) == {}


def test_back_to_the_own_text(desk: Desk, called: str) -> None:
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    desk.do("translate-undo")
    assert desk.value("reply-text") == DRAFT and desk.text("draft") == ""
    assert not desk.visible("translate-undo")


def test_a_text_in_the_customers_language_needs_no_translation(
    generator: ChatServer, desk: Desk, called: str
) -> None:
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    desk.do("translate-draft")  # once more, by mistake: the own text is still there
    assert "It is already in Simplified Chinese" in desk.text("draft")
    assert desk.value("reply-text") == REPLY and len(generator.seen) == 1
    desk.do("translate-undo")
    assert desk.value("reply-text") == DRAFT


def test_numbers_that_differ_are_named(generator: ChatServer, desk: Desk, called: str) -> None:
    generator.script = [says("普通快递 12 元，满 99 元包邮。<b>")]
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    hint = desk.text("draft")
    assert "Numbers, links or placeholders differ – check. Missing: [PHONE_1], 10; New: 12" in hint
    generator.script = [says("How much? <img src=x>")]
    desk.set("translate-read", True)
    desk.do("translate-read", "input")
    desk.do("calls", "input")
    assert "<img" not in desk.value("case-turns")
    assert "check. Missing: [PHONE_1]" in desk.text("case-turns")
    generator.script = [says(DRAFT)]
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    assert "came back unchanged" in desk.text("draft")


@pytest.mark.parametrize("text", ["", "  \n ", "a" * 5_000])
def test_a_draft_that_is_none_or_too_long(
    generator: ChatServer, desk: Desk, called: str, text: str
) -> None:
    desk.set("reply-text", text)
    desk.do("translate-draft")
    assert desk.value("reply-text") == text
    assert "This did not work" in desk.text("draft") and generator.seen == []


def test_when_the_engine_fails_nothing_is_lost(
    running: Running, generator: ChatServer, desk: Desk, called: str
) -> None:
    generator.script = [status(400, "no such model")]
    desk.set("reply-text", DRAFT)
    desk.do("translate-draft")
    assert desk.value("reply-text") == DRAFT
    assert "no such model" in desk.text("draft") and "Traceback" not in desk.text("draft")
    assert not desk.visible("translate-stop")
    desk.set("translate-read", True)
    desk.do("translate-read", "input")
    assert "no such model" in desk.text("translate-said")
    assert running.app.wordings.of(called) == {}
    generator.script = [KNOWN]
    desk.do("translate-read", "input")  # tried again
    assert len(running.app.wordings.of(called)) == 1


def test_the_newest_is_translated_first_and_what_is_not_foreign_is_left(
    running: Running, generator: ChatServer, desk: Desk
) -> None:
    generator.script, generator.seen = [says("tea")], []
    id_ = read(running, desk, "绿茶能退吗", "Is green tea in stock?", "红茶能退吗", "12345")
    desk.set("translate-read", True)
    desk.do("translate-read", "input")
    asked = [body["messages"][-1]["content"] for body in generator.seen]
    assert asked == ["红茶能退吗", "绿茶能退吗"]
    assert running.app.wordings.count(id_) == 2


def test_stopping_ends_it_at_the_server_and_keeps_the_text(
    running: Running, generator: ChatServer, desk: Desk, called: str
) -> None:
    generator.script = [events(chunk("普通"), hang=True)]
    desk.set("reply-text", DRAFT)
    waiting = threading.Thread(target=desk.do, args=["translate-draft"])
    waiting.start()
    while not generator.seen:
        threading.Event().wait(0.02)
    stop = Browser(running.url, "/desk", str(desk.http.cookies["zhike_desk"]), "other")
    stop.session_hash = "stranger"
    stop.call(stop.function("translate-stop", "click"), [])  # another page stops nothing of ours
    assert not generator.left.wait(0.3)
    again = stop.function("translate-stop", "click")
    body = {"data": [], "fn_index": again, "session_hash": desk.session_hash}
    assert desk.http.post("/gradio_api/queue/join", json=body).status_code == 200
    waiting.join(20)
    assert not waiting.is_alive() and generator.left.wait(10)
    assert desk.value("reply-text") == DRAFT and desk.text("draft") == ""


def test_the_same_is_not_made_twice_and_another_one_ends_it() -> None:
    runs = Runs()
    first = runs.begin("page", ("one", "en"))
    assert first is not None and runs.begin("page", ("one", "en")) is None
    assert runs.begin("other", ("one", "en")) is not None
    second = runs.begin("page", ("two", "en"))
    assert second is not None and first.cancelled.is_set() and not second.cancelled.is_set()
    runs.end("page", first)  # it was replaced: the second goes on
    assert runs.begin("page", ("two", "en")) is None
    assert runs.begin("page", None) is not None and second.cancelled.is_set()
    assert runs.begin("page", ("two", "en")) is not None


def test_a_viewer_may_not(running: Running, generator: ChatServer, desk: Desk, called: str) -> None:
    for role in (Role.VIEWER, Role.EDITOR):
        browser = Browser(running.url, "/desk", session_of(running.site, role))
        for element in ("translate-draft", "translate-stop", "translate-undo"):
            body = {"data": [DRAFT, called, "en"], "session_hash": "x"}
            body["fn_index"] = browser.function(element, "click")  # type: ignore[assignment]
            answer = browser.http.post("/desk/gradio_api/queue/join", json=body)
            assert answer.status_code == 403, element
        follow = browser.function("translate-read", "input")
        assert "process_completed" in browser.call(follow, [True, called, "en"])
    assert generator.seen == [] and running.app.wordings.of(called) == {}


def test_following_a_conversation_keeps_no_session_up(
    running: Running, desk: Desk, called: str
) -> None:
    old = (datetime.now(UTC) - timedelta(minutes=29)).isoformat()
    with running.app.database.write() as db:
        db.execute("UPDATE staff_sessions SET seen = ?", [old])
    desk.set("translate-read", True)
    desk.do("translate-read", "input")
    assert running.app.wordings.count(called) == 1
    newest = running.app.database.row("SELECT MAX(seen) AS seen FROM staff_sessions")
    assert newest == {"seen": old}
    desk.do("translate-undo")  # a click does
    assert running.app.database.row("SELECT 1 FROM staff_sessions WHERE seen > ?", old)


@pytest.mark.parametrize(
    ("spoken", "language", "why"),
    [((), "en", "the generator does not speak English, Simplified Chinese."),
     (("en",), "en", "the generator does not speak Simplified Chinese."),
     (("en",), "zh-Hant", "訊息不翻譯：生成模型不會繁體中文、簡體中文。"),
     (("en",), "zh-Hans", ""),
     (None, "en", "there is no generator.")],
)  # fmt: skip
def test_it_is_not_offered_where_the_generator_speaks_one_language(
    tmp_path: Path, generator: ChatServer, spoken: tuple[str, ...] | None, language: str, why: str
) -> None:
    """As the packaged one does; the page says why in one line."""
    settings = ChatbotSettings(generator="none")
    if spoken is not None:
        settings = ChatbotSettings(
            generator="base", generator_url=generator.url, generator_languages=spoken
        )
    app, served = made(tmp_path / "home", settings)
    site = web.build(app, served)
    with listening(site) as url:
        running = Running(url, site, app, str(site.accounts.setup_token()))
        desk = Desk(running)
        desk.set("language", language)
        read(running, desk, QUESTION)
        assert not desk.visible("translate-read") and not desk.visible("translate-draft")
        told = desk.text("translate-why").strip()
        assert told.endswith(why) and bool(told) is bool(why)
    app.close()
