"""Small talk and calls for a person are the whole message; topics are learned from examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.errors import IntentError, NotFound
from chatbot.intent import IntentModel, by_pattern, patterned
from chatbot.intents.archive import base_card
from chatbot.intents.store import Definition, packaged
from chatbot.phrases import phrase
from chatbot.settings import ChatbotSettings
from chatbot.types import Action, Incoming
from knowledge.embedder import PackagedE5


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hi", "greeting"),
        ("Hello!!", "greeting"),
        ("你好呀～", "greeting"),
        ("请问有人吗？", "greeting"),
        ("請問在嗎", "greeting"),
        ("ok, thanks a lot!", "thanks"),
        ("好的，谢谢您👍", "thanks"),
        ("bye", "goodbye"),
        ("再見", "goodbye"),
        ("are you a bot?", "identity"),
        ("你是机器人吗", "identity"),
    ],
)
def test_small_talk(text: str, name: str) -> None:
    intent = by_pattern(text)
    assert intent is not None
    assert (intent.name, intent.route, intent.score) == (name, "smalltalk", 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "can you transfer me to a real person please",
        "agent",
        "hi, human please",
        "转人工",
        "你好，我要转人工客服",
        "請幫我轉真人客服",
        "不想跟机器人聊了",
        "我要投诉你们",
    ],
)
def test_a_call_for_a_person(text: str) -> None:
    intent = by_pattern(text)
    assert intent is not None and intent.route == "person"


@pytest.mark.parametrize(
    "text",
    [
        "hi, where is my order?",
        "thanks, but how long does it take?",
        "你好，运费多少",
        "谢谢，那退货呢",
        "Is the travel agent discount still valid?",
        "壶是人工烧制的吗",
        "what human hair brush do you sell",
    ],
)
def test_a_question_is_not_small_talk(text: str) -> None:
    assert by_pattern(text) is None


def test_every_small_talk_has_something_to_say() -> None:
    definitions = {definition.name: definition for definition in packaged()}
    for name, route, patterns in patterned():
        assert patterns and definitions[name].route == route
    for name, definition in definitions.items():
        assert definition.description and len(definition.examples) >= 8
        if definition.route == "smalltalk":
            assert all(phrase(name, code) for code in ("en", "zh-Hans", "zh-Hant"))


@pytest.fixture
def model(app: App) -> IntentModel:
    return app.assistant.intents


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("how many days until my parcel arrives", "shipping"),
        ("快递一般要几天才能送到", "shipping"),
        ("when will the money be back on my card", "refund"),
        ("我的退款怎么还没到账", "refund"),
        ("the lid of my kettle broke, is this under warranty", "warranty"),
        ("积分怎么兑换", "membership"),
        ("能给我开公司抬头的发票吗", "invoice"),
        ("i forgot my account password", "account"),
    ],
)
def test_topics(model: IntentModel, embedder: PackagedE5, text: str, name: str) -> None:
    intent = model.detect(text, embedder.queries([text]))
    assert intent.name == name
    assert intent.route == "answer" and 0.2 <= intent.score <= 1


def test_a_pattern_goes_before_the_topics(model: IntentModel, embedder: PackagedE5) -> None:
    vector = embedder.queries(["how long does delivery take"])
    assert model.detect("转人工", vector).route == "person"


def test_what_is_near_no_topic_is_named_other(model: IntentModel, embedder: PackagedE5) -> None:
    text = "which football club won the cup in 1987"
    assert model.detect(text, embedder.queries([text])).name == "other"


@pytest.mark.parametrize(
    "text", ["could I speak to one of your staff members please", "能不能让你们同事打电话给我"]
)
def test_a_person_is_called_without_a_pattern(
    model: IntentModel, embedder: PackagedE5, text: str
) -> None:
    assert by_pattern(text) is None
    assert model.detect(text, embedder.queries([text])).route == "person"


def test_the_packaged_model_was_made_from_the_packaged_intents(model: IntentModel) -> None:
    """After a change of data/intents.toml: make intents."""
    assert model.archive.name(packaged()) == base_card()["name"]
    assert model.serving() is not None and not model.archive.folder.exists()


@pytest.mark.parametrize("text", ["🙂🙂", "?", "\x00\x07", "x" * 5_000, "ok" * 900])
def test_odd_texts_have_no_route_of_their_own(model: IntentModel, text: str) -> None:
    if text.startswith("\x00"):
        with pytest.raises(IntentError, match="no text"):
            model.tried(text)
        return
    pattern, look = model.tried(text)
    assert pattern is None and look is not None and look.verdict != "sure"


def test_words_that_pull_are_named(model: IntentModel) -> None:
    words = model.pulls("the warranty of my kettle", "warranty")
    assert words[0][0] == "warranty" and words[0][1] > 0


@pytest.mark.slow
def test_a_team_teaches_an_intent(home: Path, tmp_path: Path) -> None:
    """From an edit to a new model, to what customers get, and back."""
    app = build(home, tmp_path, chatbot=ChatbotSettings(generator="none"))
    model = app.assistant.intents
    taught = Definition(
        "parking",
        "Where to park a car",
        "smalltalk",
        "The car park is behind the house.",
        ("where can I park", "is there a car park", "parking space for my car", "停车场在哪里"),
    )
    model.store.merge([d for d in packaged() if d.name in ("refund", "shipping")], replace=True)
    model.store.add(taught)
    assert model.stale()
    report = model.fit()
    assert report.intents == 3 and not model.stale()
    first = app.champions.current("intent")
    assert first is not None and model.serving() is not None
    said = app.assistant.reply(Incoming("is there a car park where I can park", "v"))
    assert (said.action, said.text) == (Action.SMALLTALK, taught.answer)
    model.store.remove("parking")
    model.fit()
    assert app.champions.current("intent") != first
    assert model.rollback() == first.name
    assert model.fit() is not None and app.champions.current("intent") == first  # it stays
    assert "parking" in model.serving().names  # type: ignore[union-attr]
    (model.archive.folder / first.name / "model.npz").write_bytes(b"damaged")
    fresh = build(home, tmp_path, chatbot=ChatbotSettings(generator="none"))
    again = fresh.assistant.intents.serving()  # trained anew instead of failing
    assert again is not None and "parking" not in again.names
    for opened in (app, fresh):
        opened.close()
    with pytest.raises(NotFound):
        model.store.get("parking")
