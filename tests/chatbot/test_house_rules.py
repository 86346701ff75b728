"""A deployment's own rules: topics that people handle, words that call one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.errors import SettingsError
from chatbot.house_rules import MOST, HouseRules
from chatbot.phrases import phrase
from chatbot.probe import probe
from chatbot.settings import ChatbotSettings, HandoverSettings
from chatbot.store import new_id
from chatbot.types import Action, HandoffReason, Incoming, Intent, Reply

RULES = HouseRules(("lawyer", "消费者协会", "chargeback now"), ("complaint",))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("I will talk to my LAWYER!", "lawyer"),
        ("l.a.w.y.e.r", "lawyer"),
        ("lawyers and lawyered", ""),
        ("我要找消費者協會投訴", "消费者协会"),
        ("消费者 协会", "消费者协会"),
        ("Chargeback, now", "chargeback now"),
        ("a chargeback", ""),
        ("", ""),
        ("x" * 5_000 + " lawyer", ""),  # behind what is looked at
    ],
)
def test_a_word_counts_in_any_case_script_and_spacing(text: str, word: str) -> None:
    assert RULES.word(text) == word
    assert HouseRules().word(text) == ""


def test_a_topic_counts_when_it_is_sure() -> None:
    assert RULES.topic(Intent("complaint", 0.9, sure=True)) == "complaint"
    assert RULES.topic(Intent("complaint", 0.9)) == ""
    assert RULES.topic(Intent("shipping", 0.9, sure=True)) == ""


@pytest.mark.parametrize(
    ("words", "topics", "problem"),
    [
        (("x",), (), r"words has 'x'; a word that calls a person has at least 2"),
        (("🫖🫖",), (), "at least 2 letters"),
        (("y" * 81,), (), "at most 80 characters"),
        (tuple(f"word {i}" for i in range(MOST + 1)), (), "words has 501 of them; 500 is the most"),
        ((), (" ",), "topics has ' ', which is no name of an intent"),
        ((), ("t" * 81,), "no name of an intent"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(
    words: tuple[str, ...], topics: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        HandoverSettings(words=words, topics=topics)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[App]:
    rules = HandoverSettings(words=("lawyer",), topics=("warranty", "no such topic"))
    app = build(
        tmp_path / "home",
        tmp_path / "models",
        chatbot=ChatbotSettings(generator="none"),
        handover=rules,
    )
    yield app
    app.close()


@pytest.mark.slow
def test_a_word_and_a_topic_call_a_person_once(shop: App) -> None:
    visitor = new_id()

    def say(text: str, session: str | None = None) -> Reply:
        return shop.assistant.reply(Incoming(text, visitor, session))

    first = say("my lawyer will write to you")
    assert (first.action, first.reason) == (Action.HAND_OVER, HandoffReason.POLICY)
    assert first.text == phrase("hand_over_policy", "en") and first.escalate
    assert "'lawyer' calls a person" in " ".join(step.detail for step in first.trace)
    again = say("as I said, my lawyer will write", first.session_id)
    assert again.action is Action.REFUSE and again.reason is None
    kept = say("how long is the warranty on a kettle", first.session_id)
    assert kept.text == phrase("people_waiting", "en")
    topic = say("how long is the warranty on a kettle")
    assert (topic.action, topic.reason) == (Action.HAND_OVER, HandoffReason.POLICY)
    assert probe(shop.assistant, "how long is the warranty on a kettle").decision.why == (
        "people handle the topic warranty"
    )
    problems = [p for p in shop.health().problems if "topics" in p]
    assert problems == [
        "handover.topics has 'no such topic', which is no intent, so nobody is called for it. "
        "See their names: zhike intents list"
    ]
