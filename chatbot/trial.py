"""Which approved answer a question would get, and why the others near it are not given."""

from __future__ import annotations

from chatbot import language, safety
from chatbot.query import query
from chatbot.settings import ChatbotSettings
from knowledge.faq import Candidate
from knowledge.knowledge_base import KnowledgeBase


def trial(
    knowledge: KnowledgeBase,
    settings: ChatbotSettings,
    question: str,
    collection: str | None = None,
) -> list[Candidate]:
    """The nearest pairs for a customer's first question, the one that answers first.

    The question is read as in a turn of its own. Nothing is stored and no hit counted.
    """
    text = question.strip()
    spoken = language.detect(text, settings.languages, None)
    masked = safety.screen(text[: settings.max_question]).masked
    asked = query(masked, (), knowledge.spelling)
    return knowledge.faq_candidates(asked.text, collection=collection, language=spoken)
