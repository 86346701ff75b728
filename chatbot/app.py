"""The only file that names concrete classes: settings in, a ready App out."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from chatbot import language
from chatbot.answering import Answering
from chatbot.assistant import Assistant
from chatbot.canary import fall_back
from chatbot.canned import CannedReplies
from chatbot.champions import Champions
from chatbot.entities import entities
from chatbot.erasure import Erasure
from chatbot.feedback import Feedback
from chatbot.generation.openai_engine import OpenAIGenerator
from chatbot.generation.protocol import Engine
from chatbot.generation.served import Server
from chatbot.generation.transformers_engine import TransformersGenerator
from chatbot.golden import NAME, Golden
from chatbot.handovers import Handovers
from chatbot.intent import IntentModel
from chatbot.intents.archive import Archive
from chatbot.intents.store import IntentStore
from chatbot.listed_names import FILE, ListedNames
from chatbot.originals import Originals
from chatbot.safety import Screen
from chatbot.settings import ChatbotSettings, HandoverSettings
from chatbot.slots import Slots
from chatbot.store import Store
from chatbot.translated import Wordings
from chatbot.translation import Translator
from chatbot.word_lists import WordLists
from knowledge import minilm, reader, weights
from knowledge.database import Database
from knowledge.embedder import PACKAGED, make_embedder
from knowledge.errors import KnowledgeError
from knowledge.evidence import EvidenceScorer
from knowledge.knowledge_base import KnowledgeBase
from knowledge.library import LEAST_FREE
from knowledge.rerank import Reranker, make_reranker
from knowledge.settings import KnowledgeSettings
from knowledge.types import Embedder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """What works; a missing generator is a problem, but quoting goes on."""

    ok: bool  # customers get answers
    generator: str
    embedder: str
    index: str
    documents: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class App:
    """Everything that pages, commands and the API use."""

    database: Database
    knowledge: KnowledgeBase
    store: Store
    handovers: Handovers
    canned: CannedReplies
    erasure: Erasure
    feedback: Feedback
    assistant: Assistant
    champions: Champions
    generator: Engine | None
    scorer: EvidenceScorer
    names: ListedNames
    slots: Slots
    translator: Translator
    wordings: Wordings
    problems: tuple[str, ...] = ()

    def start(self) -> None:
        """Load what the first question needs, in the background; a generator that writes nothing
        yet comes last: it would take seconds from the first answer."""
        adapted = self.champions.current("dialogue") is not None
        if self.generator is not None and self.assistant.answering.needed(adapted):
            self.generator.start()
        threading.Thread(target=self._warm, name="warm-up", daemon=True).start()

    def _warm(self) -> None:
        language.warm()
        self.names.refresh()
        self.slots.refresh()
        self.assistant.intents.follows = True
        self.assistant.intents.refresh()
        self.scorer.warm()
        self.prepare()
        if self.generator is not None:
            self.generator.start()

    def prepare(self, progress: Callable[[str, float], None] | None = None) -> None:
        """Embed the sentences of all documents, so that the first questions need not wait."""
        documents = self.knowledge.documents()
        for done, document in enumerate(documents):
            self.scorer.prepare(self.knowledge.chunks(document.id))
            if progress:
                progress(document.path, (done + 1) / len(documents))

    def health(self) -> Health:
        status = self.knowledge.status()
        generator = self.generator.status if self.generator else "off: answers are quoted"
        problems = [*self.problems, *self.lists(), *self._room()]
        if self.generator is not None and not self.generator.ready:
            problems.append(f"Generator: {generator}. Answers are quoted meanwhile.")
        return Health(
            ok=True,
            generator=generator,
            embedder=status.embedder,
            index=status.state,
            documents=status.documents,
            problems=tuple(problems),
        )

    def lists(self) -> list[str]:
        """What is wrong with the lists that the team keeps in files, and with its tagger."""
        self.names.refresh()
        self.slots.refresh()
        problems = [*filter(None, (self.names.problem, self.slots.problem))]
        if topics := self.assistant.house.topics:
            known = {definition.name for definition in self.assistant.intents.store.all()}
            problems += [
                f"handover.topics has {topic!r}, which is no intent, so nobody is called for it. "
                "See their names: zhike intents list"
                for topic in topics
                if topic not in known
            ]
        return problems

    def _room(self) -> list[str]:
        """What a disk that runs full means, in a sentence."""
        home = self.database.path.parent
        free = shutil.disk_usage(home).free
        if free >= LEAST_FREE:
            return []
        return [
            f"Only {free >> 20} MB are free on the disk of {home}: no documents can be added, and "
            "customers are answered only until it is full. Make room."
        ]

    def rate(self, reply_id: str, visitor: str, value: Literal[1, -1], reason: str = "") -> None:
        """Store.rate; an adapter on trial that is rated worse than the others goes."""
        self.store.rate(reply_id, visitor, value, reason)
        fall_back(self.database, self.champions)

    def close(self) -> None:
        if self.generator is not None:
            self.generator.close()
        self.assistant.intents.close()
        self.knowledge.close()
        self.database.close()


def build(
    home: Path,
    models: Path,
    knowledge: KnowledgeSettings | None = None,
    chatbot: ChatbotSettings | None = None,
    handover: HandoverSettings | None = None,
) -> App:
    """Open (or make) the home and put the parts together; nothing heavy is loaded yet."""
    knowledge, chatbot = knowledge or KnowledgeSettings(), chatbot or ChatbotSettings()
    embedder, problems = _embedder(knowledge, models)
    database = Database(home / "zhike.db")
    reranker, unread = _reranker(knowledge, models)
    base = KnowledgeBase(database, home / "index", embedder, knowledge, reranker)
    fitted, more = _weights(home, embedder)
    scorer = EvidenceScorer(
        database,
        embedder,
        reader.packaged(),
        fitted,
        _english(models),
        knowledge.answerable,
        knowledge.floor,
    )
    generator = _generator(models, chatbot)
    names = ListedNames(home / FILE)
    champions = Champions(database)
    slots = Slots(champions, names.spans)
    store = Store(
        database,
        partial(entities, naming=names.entities, slots=slots.entities, order=chatbot.date_order),
    )
    english = minilm.packaged(models) if chatbot.intent_encoder != "none" else None
    archive = Archive(home / "intents", home / "cache", embedder, english)
    intents = IntentModel(embedder, IntentStore(database), champions, archive)
    lists, golden = WordLists(database), Golden(home / NAME)
    assistant = Assistant(
        store=store,
        screen=Screen(Originals(database, chatbot.originals_days), lists),
        knowledge=base,
        embedder=embedder,
        scorer=scorer,
        intents=intents,
        answering=Answering(
            generator, chatbot.answers, lists.words, frozenset(chatbot.allowed_links)
        ),
        champions=champions,
        names=names,
        settings=chatbot,
        house=(handover or HandoverSettings()).rules(),
    )
    return App(
        database=database,
        knowledge=base,
        store=store,
        handovers=Handovers(database, store),
        canned=CannedReplies(database),
        erasure=Erasure(database, store, golden),
        feedback=Feedback(database, base.approved, golden),
        assistant=assistant,
        champions=champions,
        generator=generator,
        scorer=scorer,
        names=names,
        slots=slots,
        translator=Translator(generator, chatbot.max_generation_seconds),
        wordings=Wordings(database),
        problems=(*problems, *unread, *more, *_speechless(chatbot)),
    )


def _generator(models: Path, settings: ChatbotSettings) -> Engine | None:
    if settings.generator == "none":
        return None
    if settings.generator_url:
        return _remote(settings)
    return TransformersGenerator(
        models,
        settings.generator,
        revision=settings.generator_revision,
        languages=frozenset(settings.generator_languages) or None,
        bits=settings.generator_bits,
        engine=settings.generator_engine,
    )


def _speechless(settings: ChatbotSettings) -> tuple[str, ...]:
    """A server does not tell which languages its model speaks."""
    if settings.generator == "none" or not settings.generator_url or settings.generator_languages:
        return ()
    return (
        "chatbot.generator_languages is empty, so the server at chatbot.generator_url never "
        "writes. Name the languages that its model speaks.",
    )


def _remote(settings: ChatbotSettings) -> Engine:
    server = Server(
        settings.generator_url.rstrip("/"),
        settings.generator_key_file,
        settings.generator_connect_seconds,
        settings.generator_silence_seconds,
    )
    languages = frozenset(settings.generator_languages)
    return OpenAIGenerator(
        server, settings.generator, languages, retries=settings.generator_retries
    )


def _embedder(settings: KnowledgeSettings, models: Path) -> tuple[Embedder, tuple[str, ...]]:
    """The configured embedder; the packaged one when that cannot be loaded."""
    try:
        return make_embedder(settings, models), ()
    except KnowledgeError as error:
        if settings.embedder == PACKAGED:
            raise
        fallback = make_embedder(KnowledgeSettings(), models)
        return fallback, (f"{error} The packaged embedder searches instead.",)


def _reranker(settings: KnowledgeSettings, models: Path) -> tuple[Reranker | None, tuple[str, ...]]:
    """The configured reranker; none when that cannot be loaded."""
    try:
        return make_reranker(settings, models), ()
    except KnowledgeError as error:
        return None, (f"{error} Search goes without it.",)


def _english(models: Path) -> reader.Reader | None:
    """The reader of English, where its model was pulled."""
    folder = minilm.pulled(models)
    return reader.english(folder) if folder else None


def _weights(home: Path, embedder: Embedder) -> tuple[weights.Weights | None, tuple[str, ...]]:
    """The home's own calibration, else the packaged one; None where that is of an older version,
    so that `make calibrate` can make a new one."""
    own = home / "evidence.npz"
    try:
        fitted = weights.load(own if own.exists() else None)
    except KnowledgeError as error:
        if own.exists():
            raise
        return None, (f"{error} Until then only approved answers are given.",)
    if fitted.embedder == embedder.name:
        return fitted, ()
    return fitted, (
        f"The evidence floors were fitted for {fitted.embedder}, not for {embedder.name}. "
        "Run `zhike knowledge calibrate` with labelled questions.",
    )
