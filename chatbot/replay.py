"""A stored reply made again from what was stored with it: is it still what the customer was told?

The question, what was said before it and the passages that were found come from the database; the
evidence, the decision and the text are computed anew with today's code, weights and floors. With
`anew` the search is made again too, over today's documents.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from chatbot import calls, followup, policy, safety, sentiment
from chatbot.answering import Answer, Answering
from chatbot.app import App
from chatbot.assistant import prompt_hash, relevant
from chatbot.consent import consent
from chatbot.errors import NotFound
from chatbot.generation.protocol import Adapter, Generation, Sampling
from chatbot.intent import by_pattern
from chatbot.own_affairs import about_own
from chatbot.query import query
from chatbot.types import Action, Message
from knowledge.evidence import Evidence
from knowledge.types import FaqMatch, Passage

HISTORY = 20  # messages, as the assistant remembers
CLOSE = 0.005  # confidences that differ less are the same: floats of another machine
Engine = Literal["quote", "generate"]
SAID = (Action.ANSWER, Action.QUOTE)


@dataclass(frozen=True, slots=True)
class Stored:
    """The reply and what it was made from, as stored."""

    row: dict[str, Any]  # of the table replies, with `text`
    question: Message  # masked
    history: tuple[Message, ...]  # before the question, oldest first
    found: tuple[tuple[int, float], ...]  # (passage id, score) of everything found


@dataclass(frozen=True, slots=True)
class Made:
    """A reply, without the ids."""

    action: str
    text: str  # "" for what the rules say
    confidence: float  # 0..1
    engine: str
    prompt_hash: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A stored reply beside the same made again."""

    reply_id: str
    question: str
    history: tuple[Message, ...]
    passages: tuple[tuple[int, str, bool], ...]  # (id, document, whether it is still there)
    stored: Made
    again: Made
    differences: tuple[str, ...]  # one sentence each; none: the same

    def table(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "reply_id": self.reply_id,
            "question": self.question,
            "history": [{"role": m.role, "text": m.text} for m in self.history],
            "passages": [{"id": i, "document": d, "there": t} for i, d, t in self.passages],
            "stored": _row(self.stored),
            "again": _row(self.again),
            "differences": list(self.differences),
            "same": not self.differences,
        }


def replay(app: App, reply_id: str, *, anew: bool = False, engine: Engine | None = None) -> Replay:
    """`anew`: search today's documents instead of taking the stored passages; `engine`: who writes,
    else who wrote. Raises NotFound."""
    stored = read(app, reply_id)
    assistant, question = app.assistant, stored.question.text
    searched = query(question, stored.history, app.knowledge.spelling, app.names.found)
    asked, context = searched.asked, searched.context
    own = assistant.embedder.queries([asked])
    vector = assistant.embedder.queries([searched.text]) if context else own
    kept = [(id_, score, app.knowledge.passage(id_)) for id_, score in stored.found]
    if anew:
        before = followup.before(asked, stored.history)
        found = tuple(app.knowledge.search(asked, vector=own, before=before))
    else:
        found = _restored(app, kept, own[0])
    language = stored.row["language"]
    evidence = assistant.scorer.score(asked, vector, found, language, context)
    intent = by_pattern(question) or assistant.intents.detect(question, own)
    approved = assistant.approved(searched.text, vector, intent, language, None)
    wrote = engine or ("generate" if stored.row["action"] == Action.ANSWER.value else "quote")
    moods = sentiment.serving(assistant.embedder.name)
    decided = policy.decide(
        policy.Situation(
            state="bot",
            verdict=replace(safety.screen(question), masked=question),
            intent=intent,
            approved=approved is not None,
            evidence=evidence.probability,
            floor=evidence.floor,
            own=about_own(question),
            consent=consent(question),
            misses=_misses(app, stored),
            writer=wrote == "generate",
            angry=moods is not None and moods.mood(question, {"e5": own}).angry,
        )
    )
    again = _made(app, stored, decided.action, evidence, approved)
    told = Made(
        stored.row["action"],
        stored.row["text"] if Action(stored.row["action"]) in SAID else "",
        stored.row["confidence"],
        stored.row["engine"],
        stored.row["prompt_hash"],
    )
    passages = tuple((id_, p.document if p else "", p is not None) for id_, _, p in kept)
    differences = _gone(passages) + _differences(told, again)
    name = stored.row["adapter"]
    if name and _adapter(app, name) is None:
        differences = (f"The adapter {name} does not serve any more.", *differences)
    return Replay(reply_id, question, stored.history, passages, told, again, differences)


def read(app: App, reply_id: str) -> Stored:
    """What was stored with a reply. Raises NotFound, also for one that was made by a person."""
    row = app.database.row(
        "SELECT r.*, m.text FROM replies r LEFT JOIN messages m ON m.id = r.id WHERE r.id = ?",
        reply_id,
    )
    asked = row and app.database.row(
        "SELECT role, text, id, created, author, number FROM messages WHERE id = ?",
        row["question_id"],
    )
    if row is None or asked is None:
        raise NotFound(f"There is no reply {reply_id!r} of the assistant here.")
    number = asked.pop("number")
    memory = calls.memory(app.database.here, row["session_id"])
    before = app.database.rows(
        "SELECT role, text, id, created, author FROM messages WHERE session_id = ? AND number < ? "
        "AND number > ? AND role != 'note' ORDER BY number DESC LIMIT ?",
        row["session_id"],
        number,
        memory if memory < number else 0,
        HISTORY,
    )
    found = tuple((int(id_), float(score)) for id_, score in json.loads(row["found"] or "[]"))
    history = tuple(Message(**one) for one in reversed(before))
    return Stored(row, Message(**asked), history, found)


def _restored(
    app: App, kept: Sequence[tuple[int, float, Passage | None]], vector: Any
) -> tuple[Passage, ...]:
    """The stored passages that are still there, with the scores that they were found with."""
    there = [(score, passage) for _, score, passage in kept if passage is not None]
    if not there:
        return ()
    cosines = app.knowledge.vectors([p.id for _, p in there]) @ vector
    return tuple(
        replace(passage, score=score, cosine=float(cosine))
        for (score, passage), cosine in zip(there, cosines, strict=True)
    )


def _misses(app: App, stored: Stored) -> int:
    """Turns without evidence directly before this one."""
    ids = [m.id for m in stored.history if m.role == "assistant"]
    count = 0
    for id_ in reversed(ids):
        row = app.database.row("SELECT action, escalate FROM replies WHERE id = ?", id_)
        if row is None or row["action"] != Action.REFUSE.value or not row["escalate"]:
            break
        count += 1
    return count


def _made(
    app: App,
    stored: Stored,
    action: Action,
    evidence: Evidence,
    approved: FaqMatch | None,
) -> Made:
    answering: Answering = app.assistant.answering
    language, settings = stored.row["language"], app.assistant.settings
    if action not in SAID:
        return Made(action.value, "", evidence.probability, "rules", "")
    passage = app.knowledge.passage(approved.passage_id) if approved else None
    if approved and passage:
        answer = answering.approved(approved, passage, language)
        return Made(action.value, answer.text, approved.score, answer.engine, "")
    name, answer = stored.row["adapter"], Answer()
    request = Generation(
        question=stored.question.text,
        history=stored.history,
        evidence=relevant(evidence),
        language=language,
        sentences=evidence.sentences,
        adapter=_adapter(app, name) if name else None,
        sampling=Sampling(settings.max_answer_tokens, 0.0, settings.max_generation_seconds),
    )
    for _ in answering.write(request, action, answer):
        pass
    if not answer.text:
        return Made(Action.REFUSE.value, "", evidence.probability, "rules", "")
    hashed = prompt_hash(stored.question.text, stored.history, evidence, language)
    return Made(
        answer.action.value,
        answer.text,
        evidence.probability,
        answer.engine,
        hashed if answer.action is Action.ANSWER else "",
    )


def _adapter(app: App, name: str) -> Adapter | None:
    """The adapter that wrote, where it is the one that serves."""
    champion = app.champions.current("dialogue")
    if champion is None or champion.name != name:
        return None
    return Adapter(champion.name, champion.path, champion.sha256)


def _gone(passages: Sequence[tuple[int, str, bool]]) -> tuple[str, ...]:
    missing = sum(not there for _, _, there in passages)
    text = f"{missing} of {len(passages)} passages were changed or removed since."
    return (text,) if missing else ()


def _differences(told: Made, again: Made) -> tuple[str, ...]:
    found = []
    if told.action != again.action:
        found.append(f"The action was {told.action}, now it is {again.action}.")
    elif told.text != again.text:
        found.append("The text is another.")
    if told.engine != again.engine:
        found.append(f"The engine was {told.engine}, now it is {again.engine}.")
    compared = told.action in SAID or told.action == Action.REFUSE.value
    if compared and abs(told.confidence - again.confidence) > CLOSE:
        found.append(f"The confidence was {told.confidence:.2f}, now it is {again.confidence:.2f}.")
    if told.prompt_hash != again.prompt_hash:
        found.append("The prompt is another.")
    return tuple(found)


def _row(made: Made) -> dict[str, Any]:
    return {
        "action": made.action,
        "text": made.text,
        "confidence": round(made.confidence, 4),
        "engine": made.engine,
        "prompt_hash": made.prompt_hash,
    }
