"""Scores the assistant's answers against a golden set."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from chatbot import followup, grounding
from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.phrases import phrase
from chatbot.query import query
from chatbot.store import new_id
from chatbot.types import EVALUATION, Action, Incoming, Message, Reply
from knowledge.calibrate import Labelled, holds, plain
from knowledge.spelling import Spelling
from knowledge.split import sentences
from knowledge.weights import calibration_error, error_by_chance, reliability

ABSTAINED = frozenset({Action.REFUSE, Action.HAND_OVER})
ANSWERED = frozenset({Action.ANSWER, Action.QUOTE})
JUDGED = ANSWERED | {Action.REFUSE}  # by how sure it was; a question back or a call is not
BINS = 5  # of the calibration error
WORST = 10


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a golden file."""

    id: str
    language: str
    question: str
    answerable: bool
    history: tuple[tuple[str, str], ...] = ()  # (role, text), oldest first
    documents: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question, the reply that it got and how it is judged."""

    question: Question
    reply: Reply
    milliseconds: float

    @property
    def abstained(self) -> bool:
        return self.reply.action in ABSTAINED

    @property
    def facts_right(self) -> bool:
        return all(holds(self.reply.text, fact) for fact in self.question.facts)

    @property
    def cited_right(self) -> bool:
        cited = self.reply.citations
        return bool(cited) and cited[0].document in self.question.documents

    @property
    def right(self) -> bool:
        """Answered with the facts and a right first citation, or rightly abstained."""
        if not self.question.answerable:
            return self.abstained
        return not self.abstained and self.facts_right and self.cited_right

    @property
    def supported(self) -> bool:
        return all(_supported(s, self.reply) for s in _sentences(self.reply))


def read(path: Path) -> list[Question]:
    """The lines of a golden file. Raises ChatbotError naming file and line."""
    questions = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ChatbotError(f"{path}: the golden file cannot be read ({error}).") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            questions.append(_question(line, f"{path}:{number}"))
    if not questions:
        raise ChatbotError(f"{path}: the golden file has no questions.")
    return questions


def _question(line: str, where: str) -> Question:
    try:
        row = json.loads(line)
        return Question(
            id=str(row["id"]),
            language=str(row["language"]),
            question=str(row["question"]),
            answerable=bool(row["answerable"]),
            history=tuple((m["role"], m["text"]) for m in row.get("history", ())),
            documents=tuple(row.get("documents", ())),
            facts=tuple(tuple(fact) for fact in row.get("facts", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ChatbotError(
            f"{where}: not a golden question ({error}). Each line needs id, language, question, "
            "answerable, and documents and facts when it is answerable."
        ) from error


def ask(app: App, question: Question, adapter: str | None = None) -> Outcome:
    """Put the question, after its history, to the assistant in a session of its own."""
    visitor = new_id()
    session = app.store.open_session(visitor, EVALUATION)
    for role, text in question.history:
        app.store.add_message(session.id, "user" if role == "user" else "assistant", text)
    reply = app.assistant.reply(
        Incoming(question.question, visitor, session.id, EVALUATION, adapter=adapter)
    )
    return Outcome(question, reply, sum(step.ms for step in reply.trace))


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The shares per language, the confusion and the worst cases, ready for JSON."""
    languages = sorted({o.question.language for o in outcomes})
    return {
        "by_language": {
            name: _shares([o for o in outcomes if o.question.language == name])
            for name in languages
        },
        "confusion": _confusion(outcomes),
        "median_characters": statistics.median(len(o.reply.text) for o in outcomes),
        "p50_ms": round(statistics.median(o.milliseconds for o in outcomes), 1),
        "worst": [_case(o) for o in _worst(outcomes)],
    }


def _shares(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    answerable = [o for o in outcomes if o.question.answerable]
    unanswerable = [o for o in outcomes if not o.question.answerable]
    answered = [o for o in outcomes if o.reply.action in ANSWERED]  # a question back cites nothing
    tried = [o for o in answerable if not o.abstained]
    return {
        "answerable": len(answerable),
        "unanswerable": len(unanswerable),
        "answered_right": _share(o.right for o in answerable),
        "abstained_right": _share(o.abstained for o in unanswerable),
        "abstained_wrong": _share(o.abstained for o in answerable),
        "supported": _share(o.supported for o in answered),
        "facts_right_when_answered": _share(o.facts_right for o in tried),
        "document_right_when_answered": _share(o.cited_right for o in tried),
        **_confidence(outcomes),
    }


def _confidence(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """Whether it tells answerable from not, how far from the truth it is (in BINS bins of as
    many replies each), and how far one without fault would seem with so few, 0..1; None where only
    one kind was asked."""
    judged = [o for o in outcomes if o.reply.action in JUDGED]
    said = np.array([o.reply.confidence for o in judged])
    held = np.array([o.question.answerable for o in judged], float)
    if not 0 < held.sum() < len(held):
        return dict.fromkeys(("auroc", "calibration_error", "calibration_error_by_chance"))
    return {
        "auroc": round(float(roc_auc_score(held, said)), 4),
        "calibration_error": round(calibration_error(reliability(said, held, BINS)), 4),
        "calibration_error_by_chance": round(error_by_chance(said, BINS), 4),
    }


def _share(judgements: Iterable[bool]) -> float | None:
    values = list(judgements)
    return round(sum(values) / len(values), 4) if values else None


def _confusion(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """Rows: answerable or not; columns: what the reply did."""
    table: dict[str, dict[str, int]] = {"answerable": {}, "unanswerable": {}}
    for outcome in outcomes:
        row = table["answerable" if outcome.question.answerable else "unanswerable"]
        if outcome.abstained:
            column = "abstained"
        elif outcome.question.answerable and not outcome.right:
            column = "answered wrongly"
        else:
            column = "answered"
        row[column] = row.get(column, 0) + 1
    return table


def _worst(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Wrong with the most confidence first; answers before abstentions."""
    wrong = [o for o in outcomes if not o.right]
    return sorted(wrong, key=lambda o: (o.abstained, -o.reply.confidence))[:WORST]


def _case(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.question.id,
        "question": outcome.question.question,
        "answerable": outcome.question.answerable,
        "wanted": [fact[0] for fact in outcome.question.facts],
        "action": outcome.reply.action.value,
        "confidence": round(outcome.reply.confidence, 3),
        "reply": outcome.reply.text,
        "cited": [c.document for c in outcome.reply.citations],
        "documents": list(outcome.question.documents),
    }


def _sentences(reply: Reply) -> list[str]:
    """The sentences of a reply without bullets and without the phrase that introduces a quote."""
    text = reply.text.removeprefix(phrase("other_language", reply.language)).strip()
    return [re.sub(r"^- ", "", s) for s in sentences(text.replace(" · ", " | "))]


def _supported(sentence: str, reply: Reply) -> bool:
    """Verbatim in what it cites, or passed by the grounding check against it."""
    flat = _letters(sentence)
    if any(flat in _letters(c.text) for c in reply.citations):
        return True
    return reply.action is Action.ANSWER and any(
        grounding.supports(sentence, c.title, c.heading, c.text) for c in reply.citations
    )


def _letters(text: str) -> str:
    return re.sub(r"[|·\-*•]", "", plain(text))


def labelled(questions: Sequence[Question], spelling: Spelling) -> list[Labelled]:
    """What the calibration of the evidence needs of golden questions, read as a turn reads them."""
    found = []
    for q in questions:
        history = [Message("user" if r == "user" else "assistant", t) for r, t in q.history]
        asked = query(q.question, history, spelling)
        before = followup.before(asked.asked, history)
        found.append(
            Labelled(
                asked.asked, asked.context, q.language, q.answerable, q.documents, q.facts, before
            )
        )
    return found
