"""Why the assistant would do with a message what it would do, in one table; nothing is stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chatbot import language, safety
from chatbot.assistant import Assistant
from chatbot.errors import ChatbotError
from chatbot.intent import Look
from chatbot.probe import Probe, probe
from chatbot.types import Entity

SENTENCES = 3
Words = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that decided, beside the decision."""

    text: str  # masked
    second: str | None  # language of a mixed message
    personal: tuple[str, ...]  # kinds of personal data, one per occurrence
    rule: str | None  # that forbids an answer
    pattern: str | None  # intent whose pattern is the whole message
    look: Look | None  # at the intents; None without a model
    words: dict[str, Words]  # of the best intent and the runner-up: word and its pull
    probe: Probe
    entities: tuple[Entity, ...] = ()

    def table(self) -> dict[str, Any]:
        """Ready for JSON."""
        found, decision = self.probe, self.probe.decision
        look = self.look
        return {
            "text": self.text,
            "language": found.language,
            "second_language": self.second,
            "personal_data": list(self.personal),
            "entities": [asdict(e) for e in self.entities],
            "rule": self.rule,
            "pattern": self.pattern,
            "intent": None if look is None else asdict(look) | {"gap": round(look.gap, 4)},
            "words": {
                name: [{"word": word, "pull": round(pull, 4)} for word, pull in words]
                for name, words in self.words.items()
            },
            "mood": asdict(found.mood) if found.mood else None,
            "approved": None
            if found.approved is None
            else {"question": found.approved.question, "score": round(found.approved.score, 4)},
            "evidence": {
                "probability": round(found.evidence.probability, 4),
                "floor": round(found.evidence.floor, 4),
                "unknown_words": list(found.evidence.unknown),
                "sentences": [
                    {
                        "document": s.passage.document,
                        "heading": s.passage.heading,
                        "text": s.text,
                        "score": round(s.score, 4),
                    }
                    for s in found.evidence.sentences[:SENTENCES]
                ],
            },
            "action": decision.action.value,
            "decided_by": decision.why,
            "reason": decision.reason.value if decision.reason else None,
        }


def explain(assistant: Assistant, text: str, collection: str | None = None) -> Explanation:
    """As if the message were the first of a conversation. Raises ChatbotError for an empty one."""
    if not text.strip():
        raise ChatbotError("There is no message to explain.")
    settings = assistant.settings
    said = text.strip()[: settings.max_question]
    verdict = safety.screen(said, assistant.screen.lists.words())
    pattern, look = assistant.intents.tried(verdict.masked)
    best = [guess.name for guess in look.guesses[:2]] if look else []
    found = probe(assistant, said, collection)
    return Explanation(
        text=verdict.masked,
        second=language.spoken(said, settings.languages, None).second,
        personal=verdict.found,
        rule=verdict.rule,
        pattern=pattern.name if pattern else None,
        look=look,
        words={name: assistant.intents.pulls(verdict.masked, name) for name in best},
        probe=found,
        entities=assistant.store.noticing([verdict.masked], None, found.language),
    )
