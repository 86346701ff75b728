"""What to do with a turn: a pure function over everything that was found out about it."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.consent import Consent
from chatbot.rules import BANNED
from chatbot.types import Action, HandoffReason, Intent, Verdict

PERSONAL_RULES = frozenset({"self_harm", "threat"})  # a person answers, never a refusal


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the decision depends on."""

    state: str  # of the session: bot, waiting, person, closed
    verdict: Verdict
    intent: Intent
    approved: bool = False  # an approved answer matches
    evidence: float = 0.0  # 0..1, calibrated probability that the passages answer
    floor: float = 0.5  # below it the passages are no evidence; learned per embedder and language
    misses: int = 0  # turns without evidence directly before this one
    writer: bool = False  # a generator is ready and speaks the language
    angry: bool = False  # the customer is
    consent: Consent | None = None  # what the whole message says to "shall I call a colleague?"
    own: bool = False  # it is about the customer's own order: somebody must look into it
    asked_back: bool = False  # the last reply was a question back: there is no second one
    word: str = ""  # in the message, that calls a person by the deployment's rules
    topic: str = ""  # of the message, that people handle by the deployment's rules


@dataclass(frozen=True, slots=True)
class Decision:
    """The action, the name of what is said for it, and why."""

    action: Action
    why: str
    phrase: str = ""
    reason: HandoffReason | None = None


def decide(now: Situation) -> Decision:
    """The first rule that applies, top to bottom."""
    if now.state == "person":
        return Decision(Action.WAIT, "a person has the conversation")
    if now.verdict.rule in PERSONAL_RULES:
        said = "self_harm" if now.verdict.rule == "self_harm" else "hand_over_policy"
        return Decision(Action.HAND_OVER, f"rule {now.verdict.rule}", said, HandoffReason.POLICY)
    if now.verdict.blocked:
        said = "banned" if str(now.verdict.rule).startswith(BANNED) else "injection"
        return Decision(Action.REFUSE, f"rule {now.verdict.rule}", said)
    if now.intent.route == "person":
        return Decision(
            Action.HAND_OVER,
            "the customer asked for a person",
            "hand_over_request",
            HandoffReason.CUSTOMER_REQUEST,
        )
    if now.topic or (now.word and now.state == "bot"):
        return _left_to_people(now)
    if now.consent and now.misses >= 1 and now.state == "bot":  # the last reply asked
        return _consented(now.consent)
    if now.intent.route == "smalltalk":
        return Decision(Action.SMALLTALK, f"small talk: {now.intent.name}", now.intent.name)
    if now.angry and now.state == "bot":  # while a person is on the way, the bot goes on helping
        return Decision(
            Action.HAND_OVER, "the customer is angry", "hand_over_anger", HandoffReason.ANGER
        )
    if now.approved:
        return Decision(Action.QUOTE, "an approved answer matches")
    if now.own:
        return _looked_up(now)
    if now.evidence >= now.floor:
        action = Action.ANSWER if now.writer else Action.QUOTE
        return Decision(action, f"evidence {now.evidence:.2f} ≥ floor {now.floor:.2f}")
    return _without_evidence(now)


def _consented(consent: Consent) -> Decision:
    """The answer to "shall I call a colleague?"."""
    if consent == "no":
        return Decision(Action.SMALLTALK, "the customer wants no person", "declined")
    return Decision(
        Action.HAND_OVER,
        "the customer wants the person that was offered",
        "hand_over_request",
        HandoffReason.CUSTOMER_REQUEST,
    )


def _left_to_people(now: Situation) -> Decision:
    """By a rule of the deployment; while a person is called, the bot keeps off their topics."""
    if now.topic and now.state == "waiting":
        why = f"people handle the topic {now.topic}; one is already called"
        return Decision(Action.REFUSE, why, "people_waiting")
    why = f"people handle the topic {now.topic}" if now.topic else f"{now.word!r} calls a person"
    return Decision(Action.HAND_OVER, why, "hand_over_policy", HandoffReason.POLICY)


def _without_evidence(now: Situation) -> Decision:
    why = f"evidence {now.evidence:.2f} < floor {now.floor:.2f}"
    if now.state == "waiting":
        return Decision(Action.REFUSE, f"{why}; a person is already called", "already_waiting")
    if now.intent.choices and not now.asked_back and now.misses == 0:
        return Decision(Action.CLARIFY, f"{why}; two intents are close: {now.intent.why}", "choose")
    if now.intent.choices and now.asked_back:
        return Decision(
            Action.HAND_OVER,
            f"{why}; two intents are close again: {now.intent.why}",
            "hand_over_unclear",
            HandoffReason.MISSING_KNOWLEDGE,
        )
    if now.misses >= 1:
        return Decision(
            Action.HAND_OVER,
            f"{why}, for the second time",
            "hand_over_missing",
            HandoffReason.MISSING_KNOWLEDGE,
        )
    return Decision(Action.REFUSE, why, "no_evidence")


def _looked_up(now: Situation) -> Decision:
    """What no document can answer, however well the rules seem to."""
    why = "about the customer's own affairs: somebody must look into it"
    if now.state == "waiting":
        return Decision(Action.REFUSE, f"{why}; a person is already called", "already_waiting")
    if now.misses >= 1:
        return Decision(
            Action.HAND_OVER, why, "hand_over_looked_up", HandoffReason.MISSING_KNOWLEDGE
        )
    return Decision(Action.REFUSE, why, "own_affair")
