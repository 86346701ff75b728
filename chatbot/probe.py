"""What a customer's first question would find, and what would be done; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot import language, policy, safety, sentiment
from chatbot.assistant import Assistant
from chatbot.intent import by_pattern
from chatbot.own_affairs import about_own
from chatbot.query import query
from chatbot.sentiment import Mood
from chatbot.types import Action, Intent
from knowledge.evidence import Evidence
from knowledge.types import FaqMatch, Passage


@dataclass(frozen=True, slots=True)
class Probe:
    """Everything that the decision on a question rests on."""

    language: str
    intent: Intent
    approved: FaqMatch | None  # the approved answer that would be given
    found: tuple[Passage, ...]  # best first; also where an approved answer is given instead
    evidence: Evidence
    mood: Mood | None  # None: not known for this embedder
    decision: policy.Decision

    @property
    def answers(self) -> bool:
        """Whether the customer would get an answer from the documents."""
        return self.decision.action in (Action.ANSWER, Action.QUOTE)


def probe(assistant: Assistant, question: str, collection: str | None = None) -> Probe:
    """Read, search and decide as in the first turn of a conversation.

    question: not blank; what is longer than a message may be is cut. collection: None is all.
    """
    settings = assistant.settings
    text = question.strip()[: settings.max_question]
    spoken = language.detect(text, settings.languages, None)
    verdict = safety.screen(text, assistant.screen.lists.words())
    asked = query(verdict.masked, (), assistant.knowledge.spelling).text
    vector = assistant.embedder.queries([asked])
    intent = by_pattern(verdict.masked) or assistant.intents.detect(verdict.masked, vector)
    approved = assistant.approved(asked, vector, intent, spoken, collection)
    found = tuple(assistant.knowledge.search(asked, collection=collection, vector=vector))
    evidence = assistant.scorer.score(asked, vector, found, spoken)
    moods = sentiment.serving(assistant.embedder.name)
    mood = moods.mood(verdict.masked, {"e5": vector}) if moods else None
    adapter = assistant.champions.current("dialogue")
    situation = policy.Situation(
        state="bot",
        verdict=verdict,
        intent=intent,
        approved=approved is not None,
        evidence=evidence.probability,
        floor=evidence.floor,
        angry=mood is not None and mood.angry,
        own=about_own(verdict.masked),
        word=assistant.house.word(verdict.masked),
        topic=assistant.house.topic(intent),
        writer=assistant.answering.writes(spoken, adapter is not None),
    )
    return Probe(spoken, intent, approved, found, evidence, mood, policy.decide(situation))
