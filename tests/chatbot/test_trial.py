"""Approved answers in a conversation: what is counted, and what a trial tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatbot.app import App
from chatbot.evaluate import Question, ask
from chatbot.store import new_id
from chatbot.trial import trial
from chatbot.types import Action, Incoming
from knowledge.pairs import Pair

pytestmark = pytest.mark.slow


@pytest.fixture
def pair(app: App) -> Iterator[Pair]:
    """Of staff; gone after the test."""
    made = app.knowledge.approved.add("Do you polish spouts?", "Yes, for $5.", ["壶嘴能抛光吗"])
    yield made
    app.knowledge.approved.remove(made.id)


def hits(app: App, pair: Pair) -> int:
    return app.knowledge.approved.find(pair.id).hits


def test_what_a_customer_is_given_counts_and_nothing_else(app: App, pair: Pair) -> None:
    for asked in ("do you polish spouts", "请问壶嘴能不能抛光"):
        reply = app.assistant.reply(Incoming(asked, new_id()))
        assert reply.action is Action.QUOTE and reply.text.endswith("Yes, for $5.")
    assert hits(app, pair) == 2
    assert app.knowledge.approved.find(pair.id).last_hit > pair.changed
    outcome = ask(app, Question("a", "en", "Do you polish spouts?", True))
    assert outcome.reply.text == "Yes, for $5."
    (first, *_) = trial(app.knowledge, app.assistant.settings, "Do you polish spouts?")
    assert (first.pair, first.why, first.score) == (pair.id, "answers", 1.0)
    app.assistant.reply(Incoming("Do you not polish spouts?", new_id()))
    assert hits(app, pair) == 2


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("my phone is 13800138000, 請問壺嘴能拋光嗎", "answers"),
        ("Do you not polish spouts?", "negation"),
        ("Do you polish lids?", "words"),
    ],
)
def test_a_trial_says_why(app: App, pair: Pair, asked: str, why: str) -> None:
    found = trial(app.knowledge, app.assistant.settings, asked)
    assert next(one.why for one in found if one.pair == pair.id) == why
    reply = app.assistant.reply(Incoming(asked, new_id()))
    assert ("$5" in reply.text and reply.engine == "quoting") is (why == "answers")
    assert trial(app.knowledge, app.assistant.settings, " ") == []
