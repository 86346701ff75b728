"""The probe decides as a real turn does, and leaves no trace."""

from __future__ import annotations

import pytest

from chatbot.app import App
from chatbot.probe import probe
from chatbot.store import new_id
from chatbot.types import Action, Incoming, Intent

QUESTIONS = (
    "Can I return an unused kettle?",
    "Do you sell bicycles?",
    "where is your berlin store",
    "普通快遞多少錢",
    "hello",
    "I want to talk to a person",
    "My number is 13800138000, how long is the warranty of the K1?",
)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_decision_and_its_reason_are_those_of_a_first_turn(app: App, question: str) -> None:
    sessions = len(app.store.sessions())
    found = probe(app.assistant, question)
    assert len(app.store.sessions()) == sessions
    reply = app.assistant.reply(Incoming(question, new_id()))
    details = {step.name: step.detail for step in reply.trace}
    assert (found.decision.action, found.language) == (reply.action, reply.language)
    assert found.answers is (reply.action in (Action.ANSWER, Action.QUOTE))
    if "policy" in details:  # it was searched
        assert details["policy"] == found.decision.why
        intent = found.intent
        assert Intent(intent.name, intent.score, intent.route) == reply.intent
    if found.approved is not None:
        assert found.approved.answer == reply.text
        assert found.found, "what the documents hold is shown beside an approved answer"


def test_only_the_chosen_collection_is_searched(app: App) -> None:
    found = probe(app.assistant, "where is your berlin store", "another")
    assert (found.approved, found.found, found.answers) == (None, (), False)


def test_the_words_that_staff_banned_count(app: App) -> None:
    lists = app.assistant.screen.lists
    assert probe(app.assistant, "do you sell zorbleflux").decision.phrase != "banned"
    lists.add("banned", "zorbleflux")
    try:
        decision = probe(app.assistant, "do you sell zorbleflux").decision
        assert (decision.action, decision.phrase) == (Action.REFUSE, "banned")
    finally:
        lists.remove("zorbleflux")
