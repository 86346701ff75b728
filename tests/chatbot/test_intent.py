"""Small talk and calls for a person are the whole message; topics are learned from examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chatbot.app import App
from chatbot.intent import IntentModel, by_pattern, definitions
from chatbot.phrases import phrase
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
    for definition in definitions():
        assert definition.route in ("answer", "smalltalk", "person")
        assert definition.patterns or definition.examples
        if definition.route == "smalltalk":
            assert all(phrase(definition.name, code) for code in ("en", "zh-Hans", "zh-Hant"))


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
    assert intent.route == "answer" and 0.3 <= intent.score <= 1


def test_a_pattern_goes_before_the_topics(model: IntentModel, embedder: PackagedE5) -> None:
    vector = embedder.queries(["how long does delivery take"])
    assert model.detect("转人工", vector).route == "person"


def test_what_is_near_no_topic_is_named_other(model: IntentModel, embedder: PackagedE5) -> None:
    text = "which football club won the cup in 1987"
    assert model.detect(text, embedder.queries([text])).name == "other"


@pytest.mark.slow
def test_vectors_of_the_examples_are_kept(embedder: PackagedE5, tmp_path: Path) -> None:
    first = IntentModel(embedder, tmp_path / "cache")
    first.fit()
    (kept,) = (tmp_path / "cache").iterdir()
    vectors = np.load(kept, allow_pickle=False)
    kept.write_bytes(b"damaged")
    second = IntentModel(embedder, tmp_path / "cache")
    second.fit()  # computed anew
    assert np.array_equal(np.load(kept, allow_pickle=False), vectors)
    np.save(kept, np.roll(vectors, 1, axis=0), allow_pickle=False)
    moved = IntentModel(embedder, tmp_path / "cache").fit()  # read, not computed
    assert not np.allclose(moved.coef_, second.fit().coef_)
