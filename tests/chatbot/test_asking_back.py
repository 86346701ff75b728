"""Where nothing answers and two routes are about as likely, one question is asked, once."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex

import pytest

from chatbot.app import App
from chatbot.intent import IntentModel
from chatbot.phrases import phrase
from chatbot.types import Action, HandoffReason, Incoming, Intent
from knowledge.types import Vectors

CLOSE = Intent(
    "exchange", 0.5, choices=("another colour?", "give me an agent"), why="two are close"
)


class Undecided(IntentModel):
    """The real model, which cannot decide."""

    def detect(self, text: str, vector: Vectors) -> Intent:
        return CLOSE


@pytest.fixture
def undecided(app: App) -> App:
    real = app.assistant.intents
    model = Undecided(app.assistant.embedder, real.store, app.champions, real.archive)
    return replace(app, assistant=replace(app.assistant, intents=model))


def test_the_choices_are_named_once_and_then_a_person_is_called(undecided: App) -> None:
    visitor, question = token_hex(16), "do zebras sleep on mountain bikes at night"
    first = undecided.assistant.reply(Incoming(question, visitor))
    assert first.action is Action.CLARIFY
    assert all(choice in first.text for choice in CLOSE.choices)
    said = [
        undecided.assistant.reply(Incoming(f"{question} {n}", visitor, first.session_id))
        for n in range(2)
    ]
    assert [reply.action for reply in said] == [Action.HAND_OVER, Action.REFUSE]
    assert said[0].reason is HandoffReason.MISSING_KNOWLEDGE
    assert said[0].text == phrase("hand_over_unclear", "en")


def test_what_the_documents_answer_is_answered(undecided: App) -> None:
    reply = undecided.assistant.reply(Incoming("Do you have a shop in Berlin?", token_hex(16)))
    assert reply.action is Action.QUOTE
