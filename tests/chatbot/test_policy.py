"""The first rule that applies decides: one row per rule and per order of two rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.assistant import OFFERING
from chatbot.policy import Situation, decide
from chatbot.types import Action, HandoffReason, Intent, Verdict

CLEAN = Verdict("?")
TOPIC = Intent("shipping", 0.8)
HELLO = Intent("greeting", 1.0, "smalltalk")
PERSON = Intent("person", 1.0, "person")
CLOSE = Intent("refund", 0.5, choices=("my refund", "an agent"))
NOW = Situation("bot", CLEAN, TOPIC, floor=0.5)


def blocked(rule: str) -> Verdict:
    return Verdict("?", rule=rule)


CASES = {
    "evidence, no writer": (replace(NOW, evidence=0.9), Action.QUOTE, "", None),
    "evidence and writer": (replace(NOW, evidence=0.9, writer=True), Action.ANSWER, "", None),
    "at the floor": (replace(NOW, evidence=0.5), Action.QUOTE, "", None),
    "below the floor": (replace(NOW, evidence=0.499), Action.REFUSE, "no_evidence", None),
    "another floor": (replace(NOW, evidence=0.6, floor=0.7), Action.REFUSE, "no_evidence", None),
    "a writer needs evidence too": (replace(NOW, writer=True), Action.REFUSE, "no_evidence", None),
    "approved": (replace(NOW, approved=True), Action.QUOTE, "", None),
    "approved, writer": (replace(NOW, approved=True, writer=True), Action.QUOTE, "", None),
    "two intents are close": (replace(NOW, intent=CLOSE), Action.CLARIFY, "choose", None),
    "close, after a miss": (
        replace(NOW, intent=CLOSE, misses=1),
        Action.HAND_OVER,
        "hand_over_missing",
        HandoffReason.MISSING_KNOWLEDGE,
    ),
    "close, but there is evidence": (
        replace(NOW, intent=CLOSE, evidence=0.9),
        Action.QUOTE,
        "",
        None,
    ),
    "close, but an approved answer": (
        replace(NOW, intent=CLOSE, approved=True),
        Action.QUOTE,
        "",
        None,
    ),
    "own affairs, though rules are found": (
        replace(NOW, own=True, evidence=0.9),
        Action.REFUSE,
        "own_affair",
        None,
    ),
    "own affairs with an approved answer": (
        replace(NOW, own=True, approved=True),
        Action.QUOTE,
        "",
        None,
    ),
    "own affairs a second time": (
        replace(NOW, own=True, misses=1),
        Action.HAND_OVER,
        "hand_over_looked_up",
        HandoffReason.MISSING_KNOWLEDGE,
    ),
    "yes to a person": (
        replace(NOW, consent="yes", misses=1),
        Action.HAND_OVER,
        "hand_over_request",
        HandoffReason.CUSTOMER_REQUEST,
    ),
    "no to a person": (
        replace(NOW, consent="no", misses=1),
        Action.SMALLTALK,
        "declined",
        None,
    ),
    "yes to nothing": (replace(NOW, consent="yes"), Action.REFUSE, "no_evidence", None),
    "own affairs while waiting": (
        replace(NOW, own=True, state="waiting"),
        Action.REFUSE,
        "already_waiting",
        None,
    ),
    "asked back already": (
        replace(NOW, intent=CLOSE, asked_back=True),
        Action.HAND_OVER,
        "hand_over_unclear",
        HandoffReason.MISSING_KNOWLEDGE,
    ),
    "asked back, and now it is clear": (
        replace(NOW, asked_back=True),
        Action.REFUSE,
        "no_evidence",
        None,
    ),
    "asked back, close again while waiting": (
        replace(NOW, intent=CLOSE, asked_back=True, state="waiting"),
        Action.REFUSE,
        "already_waiting",
        None,
    ),
    "a word that calls a person": (
        replace(NOW, word="lawyer", evidence=0.9, approved=True, angry=True),
        Action.HAND_OVER,
        "hand_over_policy",
        HandoffReason.POLICY,
    ),
    "a word while waiting": (
        replace(NOW, word="lawyer", evidence=0.9, state="waiting"),
        Action.QUOTE,
        "",
        None,
    ),
    "a word, and asks for a person": (
        replace(NOW, word="lawyer", intent=PERSON),
        Action.HAND_OVER,
        "hand_over_request",
        HandoffReason.CUSTOMER_REQUEST,
    ),
    "a word in an attack": (
        replace(NOW, word="lawyer", verdict=blocked("injection")),
        Action.REFUSE,
        "injection",
        None,
    ),
    "a topic of people": (
        replace(NOW, topic="shipping", evidence=0.9, approved=True),
        Action.HAND_OVER,
        "hand_over_policy",
        HandoffReason.POLICY,
    ),
    "a topic of people while waiting": (
        replace(NOW, topic="shipping", word="lawyer", evidence=0.9, state="waiting"),
        Action.REFUSE,
        "people_waiting",
        None,
    ),
    "a topic of people, and one is there": (
        replace(NOW, topic="shipping", word="lawyer", state="person"),
        Action.WAIT,
        "",
        None,
    ),
    "close while waiting": (
        replace(NOW, intent=CLOSE, state="waiting"),
        Action.REFUSE,
        "already_waiting",
        None,
    ),
    "second miss": (
        replace(NOW, misses=1),
        Action.HAND_OVER,
        "hand_over_missing",
        HandoffReason.MISSING_KNOWLEDGE,
    ),
    "evidence after a miss": (replace(NOW, misses=1, evidence=0.9), Action.QUOTE, "", None),
    "miss while waiting": (
        replace(NOW, state="waiting"),
        Action.REFUSE,
        "already_waiting",
        None,
    ),
    "second miss while waiting": (
        replace(NOW, state="waiting", misses=1),
        Action.REFUSE,
        "already_waiting",
        None,
    ),
    "evidence while waiting": (
        replace(NOW, state="waiting", evidence=0.9),
        Action.QUOTE,
        "",
        None,
    ),
    "small talk": (replace(NOW, intent=HELLO), Action.SMALLTALK, "greeting", None),
    "small talk after a miss": (
        replace(NOW, intent=HELLO, misses=1),
        Action.SMALLTALK,
        "greeting",
        None,
    ),
    "asks for a person": (
        replace(NOW, intent=PERSON, evidence=0.9, approved=True),
        Action.HAND_OVER,
        "hand_over_request",
        HandoffReason.CUSTOMER_REQUEST,
    ),
    "injection": (
        replace(NOW, verdict=blocked("injection"), evidence=0.9),
        Action.REFUSE,
        "injection",
        None,
    ),
    "injection and a person": (
        replace(NOW, verdict=blocked("injection"), intent=PERSON),
        Action.REFUSE,
        "injection",
        None,
    ),
    "self-harm": (
        replace(NOW, verdict=blocked("self_harm"), approved=True),
        Action.HAND_OVER,
        "self_harm",
        HandoffReason.POLICY,
    ),
    "threat": (
        replace(NOW, verdict=blocked("threat")),
        Action.HAND_OVER,
        "hand_over_policy",
        HandoffReason.POLICY,
    ),
    "angry": (
        replace(NOW, angry=True, evidence=0.9, approved=True),
        Action.HAND_OVER,
        "hand_over_anger",
        HandoffReason.ANGER,
    ),
    "angry while waiting": (
        replace(NOW, state="waiting", angry=True, evidence=0.9),
        Action.QUOTE,
        "",
        None,
    ),
    "angry, and a threat": (
        replace(NOW, verdict=blocked("threat"), angry=True),
        Action.HAND_OVER,
        "hand_over_policy",
        HandoffReason.POLICY,
    ),
    "a person is there": (
        replace(NOW, state="person", evidence=0.9, approved=True),
        Action.WAIT,
        "",
        None,
    ),
    "a person is there, asked for again": (
        replace(NOW, state="person", intent=PERSON),
        Action.WAIT,
        "",
        None,
    ),
    "a person is there, blocked": (
        replace(NOW, state="person", verdict=blocked("injection")),
        Action.WAIT,
        "",
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_decide(name: str) -> None:
    situation, action, phrase, reason = CASES[name]
    decision = decide(situation)
    assert (decision.action, decision.phrase, decision.reason) == (action, phrase, reason)
    assert decision.why


def test_the_table_reaches_every_action() -> None:
    assert {case[1] for case in CASES.values()} == set(Action)


@pytest.mark.parametrize("misses", range(5))
@pytest.mark.parametrize("writer", [False, True])
def test_missing_knowledge_calls_nobody_twice(misses: int, writer: bool) -> None:
    waiting = replace(NOW, state="waiting", misses=misses, writer=writer)
    assert decide(waiting).reason is None


SITUATIONS = st.builds(
    lambda **known: replace(NOW, **known),
    angry=st.booleans(),
    own=st.booleans(),
    consent=st.sampled_from([None, "no"]),
    evidence=st.sampled_from([0.1, 0.9]),
    approved=st.booleans(),
    intent=st.sampled_from([NOW.intent, HELLO, CLOSE]),
    word=st.sampled_from(["", "lawyer"]),
    topic=st.sampled_from(["", "shipping"]),
    writer=st.booleans(),
)


@given(st.lists(SITUATIONS, max_size=20))
def test_no_conversation_calls_a_person_twice_for_a_cause_of_ours(turns: list[Situation]) -> None:
    """The customer may ask again, a threat is passed on again; anger, misses, words, topics
    and repeated questions back call once."""
    state, misses, calls, asked = "bot", 0, 0, False
    for turn in turns:
        done = decide(replace(turn, state=state, misses=misses, asked_back=asked))
        assert not (asked and done.action is Action.CLARIFY)
        asked = done.action is Action.CLARIFY
        missed = done.phrase in OFFERING
        misses = misses + 1 if missed else 0
        if done.action is Action.HAND_OVER:
            calls, state = calls + 1, "waiting"
    assert calls <= 1
    assert state == ("waiting" if calls else "bot")
