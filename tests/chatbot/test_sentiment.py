"""Moods: what is told apart, what calls a person and what does not, and damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chatbot import labelled_moods, sentiment, sentiment_training
from chatbot.errors import ChatbotError
from chatbot.types import Action, HandoffReason
from knowledge.embedder import PackagedE5
from knowledge.language import simplify
from tests.chatbot.test_assistant import KETTLE, Customer, customer

__all__ = ["customer"]
DATA = Path(__file__).parents[1] / "data" / "moods.csv"


def _mood(embedder: PackagedE5, text: str) -> sentiment.Mood:
    model = sentiment.serving(embedder.name)
    assert model is not None
    return model.mood(text, {"e5": embedder.queries([simplify(text)])})


@pytest.mark.parametrize(
    "text", ["I am furious, give me my money back NOW!!", "气死我了，你们这群骗子，马上退钱！"]
)
def test_anger_is_heard(embedder: PackagedE5, text: str) -> None:
    mood = _mood(embedder, text)
    assert mood.angry and mood.feeling == "angry" and mood.valence < -0.5


@pytest.mark.parametrize(
    "text",
    [
        "one cup was broken when I opened the parcel",
        "I want to complain about a delivery",
        "what does the warning light on the kettle mean?",
        "thank you, that was quick!",
        "收到的杯子有一个碎了",
        "我要投诉快递",
        "谢谢，很快就解决了",
        "",
        "🍵",
    ],
)
def test_who_tells_a_problem_is_not_angry(embedder: PackagedE5, text: str) -> None:
    assert not _mood(embedder, text).angry


def test_the_labelled_set_of_our_own_is_told_apart(embedder: PackagedE5) -> None:
    report = labelled_moods.scores(labelled_moods.read(DATA), embedder)
    assert report["accuracy"] >= 0.85
    assert report["anger_recall"] >= 0.8 and report["false_alarms"] <= 0.03
    assert report["pearson"] is None


def test_no_test_text_was_trained_on() -> None:
    folder = Path(__file__).parents[2] / "samples" / "moods"
    trained = {text for path in folder.glob("*.csv") for text, _ in labelled_moods.read(path)}
    assert trained and not trained & {text for text, _ in labelled_moods.read(DATA)}


def test_numbers_are_correlated_instead(embedder: PackagedE5, tmp_path: Path) -> None:
    path = tmp_path / "graded.csv"
    path.write_text("text,score\nI love it,3.5\nit is awful,-3\nthe lid is blue,0\n", "utf-8")
    report = labelled_moods.scores(labelled_moods.read(path), embedder)
    assert report["pearson"] > 0.8 and report["accuracy"] is None


def test_an_angry_customer_gets_a_person_once(customer: Customer) -> None:
    reply = customer.says("this is outrageous, you are thieves, give me my money back NOW!!")
    assert reply.action is Action.HAND_OVER and reply.reason is HandoffReason.ANGER
    assert "sorry" in reply.text and customer.state == "waiting"
    again = customer.says("I am furious!! you people are thieves, that's a scam!!")
    assert again.action is not Action.HAND_OVER
    helped = customer.says(KETTLE)  # while waiting the bot goes on helping
    assert helped.action is Action.QUOTE


def test_the_trace_tells_the_mood(customer: Customer) -> None:
    steps = {step.name: step.detail for step in customer.says(KETTLE).trace}
    assert steps["mood"].startswith("neutral") and "floor" in steps["mood"]


def test_what_is_saved_is_what_was_fitted(embedder: PackagedE5, tmp_path: Path) -> None:
    rows = labelled_moods.read(DATA)
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    vectors = {"e5": embedder.queries([simplify(text) for text in texts])}
    model, accuracy = sentiment_training.fit(texts, labels, vectors, embedder.name)
    assert 0.4 < accuracy <= 1
    sentiment.save(model, tmp_path / "moods.npz")
    again = sentiment.load(tmp_path / "moods.npz")
    assert np.allclose(model.chances(texts, vectors), again.chances(texts, vectors), atol=0.02)
    with pytest.raises(ChatbotError, match="At least 5 texts of each mood"):
        sentiment_training.fit(texts[:3], labels[:3], {"e5": vectors["e5"][:3]}, "e5")


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"PK\x05\x06" + b"\0" * 18])
def test_a_damaged_model_is_one_clear_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "moods.npz").write_bytes(content)
    with pytest.raises(ChatbotError, match="the moods cannot be read"):
        sentiment.load(tmp_path / "moods.npz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\nx,angry\n", "header"),
        ("text,label\nx,sad\n", r"bad\.csv:2: not a text with a mood"),
        ("text,label\n ,angry\n", r"bad\.csv:2"),
        ("text,label\nx,nan\n", r"bad\.csv:2"),
        ("text,label\n", "no labelled text"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ChatbotError, match=said):
        labelled_moods.read(tmp_path / "bad.csv")
    with pytest.raises(ChatbotError, match="cannot be read"):
        labelled_moods.read(tmp_path / "gone.csv")


def test_another_embedder_has_no_moods() -> None:
    assert sentiment.serving("another") is None
