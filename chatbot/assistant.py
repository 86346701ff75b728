"""One turn, top to bottom: language, screen, approved answer, intent, search, policy, answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from chatbot import followup, language, offers, policy, sentiment
from chatbot.answering import Answer, Answering
from chatbot.champions import Champions
from chatbot.consent import consent
from chatbot.crowd import Crowd, Place
from chatbot.generation.protocol import Adapter, Generation, Sampling
from chatbot.house_rules import HouseRules
from chatbot.intent import IntentModel, by_pattern
from chatbot.listed_names import ListedNames
from chatbot.own_affairs import about_own
from chatbot.phrases import phrase
from chatbot.prompt import messages
from chatbot.query import Query
from chatbot.query import query as query_of
from chatbot.safety import Screen
from chatbot.sentiment import Mood
from chatbot.settings import ChatbotSettings
from chatbot.store import Provenance, Store, new_id
from chatbot.trace import Trace
from chatbot.types import (
    EVALUATION,
    Action,
    Delta,
    Event,
    Incoming,
    Intent,
    Message,
    Reply,
    Session,
    Stage,
    Verdict,
)
from knowledge.evidence import Evidence, EvidenceScorer
from knowledge.knowledge_base import KnowledgeBase
from knowledge.types import Embedder, FaqMatch, Passage, Vectors

NOTHING = Evidence((), 0.0, 1.0)
EMPTY = Query("")
UNREAD = Verdict("")
UNSTORED = Message("user", "")
OTHER = Intent("other", 0.0)
OFFERING = frozenset({"no_evidence", "own_affair"})  # phrases that offer a person
# Decided for want of evidence: an approved answer or a passage may still be found.
UNSETTLED = OFFERING | {
    "hand_over_missing",
    "hand_over_unclear",
    "already_waiting",
    "hand_over_looked_up",
}


@dataclass(slots=True)
class Turn:
    """What is known of the turn so far; filled stage by stage."""

    incoming: Incoming
    session: Session
    history: tuple[Message, ...]
    trace: Trace = field(default_factory=Trace)
    language: str = ""
    second: str | None = None  # the other language of a mixed turn
    verdict: Verdict = UNREAD
    question: Message = UNSTORED
    query: Query = EMPTY  # what is searched for
    intent: Intent = OTHER
    approved: FaqMatch | None = None
    found: tuple[Passage, ...] = ()
    evidence: Evidence = NOTHING
    mood: Mood | None = None
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class Assistant:
    """Answers customers; every part is passed in by app.build()."""

    store: Store
    screen: Screen
    knowledge: KnowledgeBase
    embedder: Embedder
    scorer: EvidenceScorer
    intents: IntentModel
    answering: Answering
    champions: Champions
    names: ListedNames
    settings: ChatbotSettings
    house: HouseRules = field(default_factory=HouseRules)
    crowd: Crowd = field(default_factory=Crowd)

    def reply(self, incoming: Incoming) -> Reply:
        """The whole turn at once."""
        *_, last = self.stream(incoming)
        assert isinstance(last, Reply)
        return last

    def stream(self, incoming: Incoming) -> Iterator[Event]:
        """Stages and text as they come; the Reply is last and replaces the text.

        Raises NotFound when the session is not this visitor's, and Crowded, before anything is
        stored, when too many others ask.
        """
        with self.crowd.place() as place:
            yield from self._stream(incoming, place)

    def _stream(self, incoming: Incoming, place: Place) -> Iterator[Event]:
        turn = self._open(incoming)
        self._read(turn)
        yield Stage("understanding")
        decided = self._without_search(turn)
        if decided is None:
            yield Stage("searching")
            yield from self._search(turn)
            with turn.trace.step("policy") as note:
                decided = policy.decide(self._situation(turn))
                note.detail = decided.why
        if decided.action in (Action.ANSWER, Action.QUOTE):
            place.leave()  # the generator has a line of its own, and quoting takes no time
            yield Stage("answering")
            with turn.trace.step("answer") as note:
                yield from self._write(turn, decided.action)
                note.detail = turn.answer.note.removeprefix("; ")
            if not turn.answer.text:
                decided = policy.Decision(Action.REFUSE, turn.answer.note, "no_evidence")
            elif turn.approved is None:
                decided = policy.Decision(turn.answer.action, decided.why)
        if not incoming.cancelled.is_set():  # stopped, or the customer wrote on: no reply
            yield self._finish(turn, decided)

    def draft(self, session: Session) -> Answer:
        """The best answer to the customer's latest message, quoted, for an agent to edit.

        Below the floor too: the agent judges. Nothing is stored; no text when nothing was found.
        """
        said = self.store.history(session.id)
        asked = max((n for n, m in enumerate(said) if m.role == "user"), default=None)
        if asked is None:
            return Answer()
        incoming = Incoming(said[asked].text, session.visitor, session.id, session.channel)
        turn = Turn(incoming, session, said[:asked], question=said[asked])
        turn.verdict = Verdict(said[asked].text)  # stored messages are masked
        turn.language = session.language or language.detect(
            incoming.text, self.settings.languages, None
        )
        for _ in self._search(turn):
            pass
        for _ in self._write(turn, Action.QUOTE):
            pass
        return turn.answer

    def _open(self, incoming: Incoming) -> Turn:
        session = self.store.open_session(
            incoming.visitor, incoming.channel, incoming.session_id, incoming.language
        )
        said = self.store.history(session.id) or self._told(session.id, incoming.history)
        for _ in incoming.before:  # part of the question now
            said = said[:-1] if said and said[-1].role == "user" else said
        return Turn(incoming, session, said)

    def _told(self, session_id: str, history: Sequence[Message]) -> tuple[Message, ...]:
        """What a channel says was said before, screened as if it had been said here."""
        screened = [(m, self.screen.turn(session_id, m.text)) for m in history]
        return tuple(replace(m, text=v.masked) for m, v in screened if not v.blocked)

    def _read(self, turn: Turn) -> None:
        """Language and screen; the masked question is stored before anything slow."""
        text = turn.incoming.text.strip()
        with turn.trace.step("language") as note:
            prior = turn.session.language or turn.incoming.language
            found = language.spoken(text, self.settings.languages, prior)
            turn.language, turn.second = found.main, found.second
            note.detail = f"{found.main}, also {found.second}" if found.second else found.main
        with turn.trace.step("screen") as note:
            said = text[: self.settings.max_question]
            verdict = turn.verdict = self.screen.turn(turn.session.id, said)
            if before := turn.incoming.before:  # judged as one: a rule may span both
                turn.verdict = self.screen.turn(turn.session.id, " ".join((*before, said)))
            note.detail = ", ".join([*turn.verdict.found, turn.verdict.rule or "no rule"])
        turn.question = self.store.add_message(turn.session.id, "user", verdict.masked)

    def _without_search(self, turn: Turn) -> policy.Decision | None:
        """The decision, when no document is needed for it."""
        text = turn.incoming.text.strip()
        if not text:
            return policy.Decision(Action.CLARIFY, "the message is empty", "empty")
        if len(text) > self.settings.max_question:
            return policy.Decision(Action.CLARIFY, "the message is too long", "too_long")
        with turn.trace.step("intent") as note:
            newest = by_pattern(turn.question.text)  # "a person, please" counts by itself
            called = newest if newest and newest.route == "person" else None
            turn.intent = called or by_pattern(turn.verdict.masked) or turn.intent
            decision = policy.decide(self._situation(turn))
            settled = decision.phrase not in UNSETTLED
            note.detail = decision.why if settled else "needs the documents"
        return decision if settled else None

    def _search(self, turn: Turn) -> Iterator[Event]:
        """Approved answer first; then passages, and how well they answer."""
        collection = turn.incoming.collection
        with turn.trace.step("embedding") as note:
            query = turn.query = query_of(
                turn.verdict.masked, turn.history, self.knowledge.spelling, self.names.found
            )
            own = self.embedder.queries([query.asked])
            vector: Vectors = self.embedder.queries([query.text]) if query.context else own
            note.detail = query.told()
        with turn.trace.step("intent") as note:
            turn.intent = self.intents.detect(turn.verdict.masked, own)
            note.detail = turn.intent.why or f"{turn.intent.name} {turn.intent.score:.2f}"
        with turn.trace.step("entities") as note:
            named = self.store.noticing([turn.verdict.masked], None, turn.language)
            note.detail = ", ".join(f"{e.kind} {e.value}" for e in named)
        with turn.trace.step("mood") as note:
            if moods := sentiment.serving(self.embedder.name):
                turn.mood = moods.mood(turn.verdict.masked, {"e5": own})
                note.detail = turn.mood.told()
        with turn.trace.step("approved answer") as note:
            turn.approved = self.approved(
                query.text, vector, turn.intent, turn.language, collection
            )
            if turn.approved:
                note.detail = f"{turn.approved.score:.2f}: {turn.approved.question}"
                return
        with turn.trace.step("retrieval") as note:
            turn.found = tuple(
                self.knowledge.search(
                    query.asked,
                    collection=collection,
                    vector=own,
                    before=followup.before(query.asked, turn.history),
                )
            )
            note.detail = "; ".join(f"{p.document} {p.cosine:.2f}" for p in turn.found[:3])
        if turn.found:
            yield Stage("reading", len({p.document_id for p in turn.found}))
        with turn.trace.step("evidence") as note:
            turn.evidence = self.scorer.score(
                query.asked, vector, turn.found, turn.language, query.context
            )
            note.detail = _evidence_detail(turn.evidence)

    def approved(
        self, query: str, vector: Vectors, intent: Intent, language: str, collection: str | None
    ) -> FaqMatch | None:
        """The approved answer that asks the same, else the one that the intent names."""
        match = self.knowledge.match_faq(
            query, collection=collection, vector=vector, language=language
        )
        if match is None and intent.route == "approved":
            match = self.knowledge.match_faq(
                intent.answer, collection=collection, language=language
            )
        return match

    def _situation(self, turn: Turn) -> policy.Situation:
        return policy.Situation(
            state=turn.session.state,
            verdict=turn.verdict,
            intent=turn.intent,
            approved=turn.approved is not None,
            evidence=turn.evidence.probability,
            floor=turn.evidence.floor,
            misses=self.store.misses(turn.session.id),
            angry=turn.mood is not None and turn.mood.angry,
            own=about_own(turn.verdict.masked),
            consent=consent(turn.verdict.masked),
            word=self.house.word(turn.verdict.masked),
            topic=self.house.topic(turn.intent),
            asked_back=self.store.asked_back(turn.session.id),
            writer=self.answering.writes(turn.language, self._adapter(turn) is not None),
        )

    def _adapter(self, turn: Turn) -> Adapter | None:
        """The one asked for, else the champion: read on every turn, so nothing needs a restart."""
        if asked := turn.incoming.adapter:
            return Adapter(Path(asked).name, asked)
        champion = self.champions.serving("dialogue", turn.session.id)
        return Adapter(champion.name, champion.path, champion.sha256) if champion else None

    def _write(self, turn: Turn, action: Action) -> Iterator[Event]:
        """The approved answer word for word, or what the evidence says."""
        match = turn.approved
        passage = self.knowledge.passage(match.passage_id) if match else None
        if match and passage:
            turn.answer = self.answering.approved(match, passage, turn.language)
            yield Delta(turn.answer.text)
            return
        request = Generation(
            question=turn.verdict.masked,
            history=turn.history,
            evidence=relevant(turn.evidence),
            language=turn.language,
            sentences=turn.evidence.sentences,
            adapter=self._adapter(turn),
            sampling=Sampling(
                self.settings.max_answer_tokens, 0.0, self.settings.max_generation_seconds
            ),
            cancelled=turn.incoming.cancelled,
        )
        yield from self.answering.write(request, action, turn.answer)

    def _finish(self, turn: Turn, decided: policy.Decision) -> Reply:
        """Build the reply and store it with everything it was made from, in one transaction."""
        answered = decided.action in (Action.ANSWER, Action.QUOTE)
        said = turn.answer.text if answered else self._phrase(turn, decided)
        reply = Reply(
            id=new_id(),
            session_id=turn.session.id,
            text=said,
            action=decided.action,
            language=turn.language,
            intent=Intent(turn.intent.name, turn.intent.score, turn.intent.route),
            citations=turn.answer.citations if answered else (),
            confidence=self._confidence(turn, decided.action),
            escalate=decided.action is Action.HAND_OVER
            or decided.phrase in OFFERING
            or (answered and turn.answer.foreign),
            reason=decided.reason,
            engine=turn.answer.engine if answered else "rules",
            adapter=turn.answer.adapter if answered else None,
            trace=turn.trace.steps,
            choices=turn.intent.choices if decided.phrase == "choose" else (),
            suggestions=self._suggestions(turn) if decided.phrase == "no_evidence" else (),
        )
        counts = answered and turn.incoming.channel != EVALUATION
        provenance = Provenance(
            question_id=turn.question.id,
            index=self.knowledge.status().file,
            prompt_hash=prompt_hash(turn.verdict.masked, turn.history, turn.evidence, turn.language)
            if turn.answer.action is Action.ANSWER
            else "",
            found=tuple((p.id, p.score) for p in turn.found),
            approved=turn.approved.pair if counts and turn.approved else "",
        )
        return self.store.add_reply(reply, provenance)

    def _suggestions(self, turn: Turn) -> tuple[str, ...]:
        return offers.near(self.knowledge, turn.query.text, turn.language, turn.incoming.collection)

    def _phrase(self, turn: Turn, decided: policy.Decision) -> str:
        if decided.action is Action.WAIT:
            return ""
        if decided.phrase == turn.intent.name and turn.intent.answer:  # a taught small talk's
            return turn.intent.answer
        first, second = turn.intent.choices or ("", "")
        return phrase(
            decided.phrase,
            turn.language,
            limit=self.settings.max_question,
            first=first,
            second=second,
        )

    def _confidence(self, turn: Turn, action: Action) -> float:
        if turn.approved is not None:
            return turn.approved.score
        if turn.found or action in (Action.ANSWER, Action.QUOTE, Action.REFUSE):
            return turn.evidence.probability
        return 1.0


def relevant(evidence: Evidence) -> tuple[Passage, ...]:
    """The passages of the best sentences, best first, without repetition."""
    best = [s.passage for s in evidence.sentences[:6]]
    return tuple({p.id: p for p in best}.values())[:3]


def _evidence_detail(evidence: Evidence) -> str:
    """Why the passages count as an answer or not, for staff."""
    detail = f"{evidence.probability:.2f}, floor {evidence.floor:.2f}"
    if evidence.unknown:
        detail += f"; in no document: {', '.join(evidence.unknown)}"
    if evidence.sentences:
        best = evidence.sentences[0]
        detail += f"; best: {best.passage.document}: {best.text[:120]}"
    return detail


def prompt_hash(
    question: str, history: Sequence[Message], evidence: Evidence, language: str
) -> str:
    """SHA-256 of the messages that the generator got."""
    chat = messages(question, history, relevant(evidence), language)
    return hashlib.sha256(json.dumps(chat, ensure_ascii=False).encode()).hexdigest()
