"""What the customer wants: whole-message patterns first, then the intents that the team taught."""

from __future__ import annotations

import logging
import re
import threading
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from chatbot.champions import Champion, Champions
from chatbot.errors import ChatbotError, IntentError
from chatbot.intents import wording
from chatbot.intents.archive import Archive, asked
from chatbot.intents.features import CONTROL, LONGEST, is_english
from chatbot.intents.model import SEVERAL, Floors, Model
from chatbot.intents.report import Report
from chatbot.intents.store import IntentStore
from chatbot.types import Intent, Route
from knowledge.errors import KnowledgeError
from knowledge.types import Embedder, Vectors

log = logging.getLogger(__name__)
UNKNOWN = "other"
SHOWN = 3  # guesses
PLAUSIBLE = 0.2  # probability that both of two choices must have
EDGES = r"[\s,.!?;:~…，。！？；：～、👍😊🙏😄❤]*"
GREETING = re.compile(r"^(?:hi|hello|hey|你好|您好|亲|嗨|哈喽)[\s,.!，。！~]+", re.IGNORECASE)

Verdict = Literal["sure", "unsure", "near", "far"]
"""sure: may decide the route. unsure: one of the intents, but which? near: none of them, but like
them. far: about something else altogether."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One intent for a text."""

    name: str
    chance: float  # 0..1 that the text has this intent
    nearest: str  # the example that is most like the text; "" where that is a name
    nearness: float  # -1..1, its cosine


@dataclass(frozen=True, slots=True)
class Look:
    """What the model makes of a text."""

    guesses: tuple[Guess, ...]  # best first
    scope: float  # 0..1 that the text is any of the intents
    verdict: Verdict
    floors: Floors

    @property
    def gap(self) -> float:
        """Lead of the best over the runner-up."""
        return self.guesses[0].chance - (self.guesses[1].chance if len(self.guesses) > 1 else 0.0)


class IntentModel:
    """Serves the champion of the kind "intent"; trains anew when the team's intents changed."""

    def __init__(
        self, embedder: Embedder, store: IntentStore, champions: Champions, archive: Archive
    ) -> None:
        self._embedder, self._champions = embedder, champions
        self.store, self.archive = store, archive
        self.follows = False  # whether a changed intent is learned in the background
        self._seen = -1  # revision that was learned, or was tried
        self._training = threading.Lock()
        self._loaded: tuple[str, Model] | None = None  # SHA-256 and model
        self._running: threading.Thread | None = None

    def detect(self, text: str, vector: Vectors) -> Intent:
        """`vector`: (1, d), the query embedding of `text`."""
        pattern = by_pattern(text)
        if pattern is not None:
            return pattern
        look = self.look(text, vector)
        return self._intent(look, text) if look else Intent(UNKNOWN, 0.0, why="no model yet")

    def look(self, text: str, vector: Vectors | None = None) -> Look | None:
        """None while there is no model."""
        if self.follows and self.store.revision() != self._seen:
            self.refresh()
        model = self.serving()
        if model is None:
            return None
        if vector is None:
            vector = self._embedder.queries([asked(text[:LONGEST])])
        return self._judged(model, text, vector)

    def tried(self, text: str) -> tuple[Intent | None, Look | None]:
        """For staff: the pattern that matches the whole message, and what the model says."""
        text = " ".join(CONTROL.sub(" ", text).split())
        if not text:
            raise IntentError("There is no text to try.")
        return by_pattern(text), self.look(text)

    def pulls(self, text: str, intent: str) -> tuple[tuple[str, float], ...]:
        """The words of a text that speak for an intent, or against it."""
        model = self.serving()
        return wording.pulls(model, text, intent) if model else ()

    def serving(self) -> Model | None:
        """The champion, else the packaged model. One for another embedder is trained here, unless
        that is being done already."""
        champion = self.champion()
        if champion is not None:
            if self._loaded is None or self._loaded[0] != champion.sha256:
                try:
                    model = self.archive.load(champion)
                except ChatbotError as error:
                    log.warning("%s", error)
                    self._seen = -1
                    return self._trained()
                self._loaded = (champion.sha256, model)
            if self.archive.usable(self._loaded[1]):
                return self._loaded[1]
        return self._trained()

    def champion(self) -> Champion | None:
        """What serves, also before any training; None when that is for another embedder."""
        return self._champions.current("intent") or self.archive.base()

    def _trained(self) -> Model | None:
        if self.training:
            return None
        try:
            self.fit(force=True)
        except (ChatbotError, KnowledgeError) as error:
            log.warning("%s", error)
            return None
        return self._loaded[1] if self._loaded else None

    def fit(self, *, force: bool = False) -> Report:
        """Train on the team's intents and let the new model serve, if they changed since the last
        training. `force`: in any case. Raises IntentError when there is no intent."""
        with self._training:
            revision = self.store.revision()
            self._seen = revision
            definitions = self.store.all()
            name = self.archive.name(definitions)
            known = self.archive.report(name)
            base = self.store.learned() < 0 and self.archive.is_base(name)
            if known is not None and (base or self.store.learned() == revision) and not force:
                return known  # and what serves stays: it may have been rolled back to
            champion, report = self.archive.train(name, definitions)
            self._champions.promote("intent", champion)
            self.store.mark_learned(revision)
            self._loaded = (champion.sha256, self.archive.load(champion))
            return report

    def refresh(self, *, force: bool = False) -> None:
        """Train in the background what was changed, or in any case (`force`); the old model
        answers until the new one is ready."""
        if not self.training:
            self._running = threading.Thread(
                target=self._refresh, args=(force,), name="intents", daemon=True
            )
            self._running.start()

    @property
    def training(self) -> bool:
        return self._running is not None and self._running.is_alive()

    def _refresh(self, force: bool) -> None:
        try:
            if force:
                self.fit(force=True)
            while self.store.revision() != self._seen:  # changed again meanwhile
                self.fit()
        except (ChatbotError, KnowledgeError, OSError) as error:
            log.warning("The intents could not be learned: %s", error)

    def close(self) -> None:
        """Wait for a training that runs: it writes to the database."""
        self.follows = False
        if self._running is not None:
            self._running.join()

    def report(self) -> Report | None:
        """Of the model that serves."""
        champion = self.champion()
        return self.archive.report(champion.name) if champion else None

    def stale(self) -> bool:
        """Whether the intents were changed since the last training."""
        return self.store.learned() != self.store.revision()

    def promote(self, name: str) -> None:
        """Let a model that is kept serve from the next turn on, until the intents change.

        Raises NotFound or ModelError.
        """
        self._champions.promote("intent", self.archive.named(name))

    def rollback(self) -> str:
        """The model before serves again; returns its name, "" where there was none."""
        before = self._champions.rollback("intent")
        return before.name if before else ""

    def _judged(self, model: Model, text: str, vector: Vectors) -> Look:
        vectors = self.archive.vectors([text], vector, model.encoders)
        scores, (cosines,) = model.examine([text], vectors)
        judged = model.judge(scores)
        chances, near = judged.intents[0], scores.near[0]
        best = np.argsort(-chances)[:SHOWN]
        guesses = tuple(
            Guess(
                model.names[k],
                float(chances[k]),
                self._nearest(model, cosines, int(k)),
                float(near[k]),
            )
            for k in best
        )
        scope, gap = float(judged.scope[0]), float(chances[best[0]])
        gap -= float(chances[best[1]]) if len(best) > 1 else 0.0
        return Look(guesses, scope, _verdict(model.floors, scope, guesses[0], gap), model.floors)

    def _nearest(self, model: Model, cosines: Vectors, intent: int) -> str:
        places = model.neighbourhood
        ends = [*places.starts[1:], len(places.order)]
        own = places.order[places.starts[intent] : ends[intent]]
        example = self.store.example(int(model.keys[own[np.argmax(cosines[own])]]))
        return example.text if example else ""

    def _intent(self, look: Look, text: str) -> Intent:
        first, why = look.guesses[0], _why(look)
        if look.verdict in ("near", "far"):
            return Intent(UNKNOWN, first.chance, why=why)
        if look.verdict == "sure":
            return Intent(
                first.name, first.chance, *self.store.route(first.name), why=why, sure=True
            )
        return Intent(first.name, first.chance, choices=self._choices(look, text), why=why)

    def _choices(self, look: Look, text: str) -> tuple[str, ...]:
        """Wordings of the best two, where both are plausible and lead to different places."""
        two = look.guesses[:2]
        if len(two) < 2 or two[1].chance < PLAUSIBLE:
            return ()
        routes: list[Route] = [self.store.route(guess.name)[0] for guess in two]
        if routes[0] == routes[1]:
            return ()
        found = tuple(self._wording(guess, text) for guess in two)
        return found if all(found) else ()

    def _wording(self, guess: Guess, text: str) -> str:
        """An example of the intent in the script of the text, else nothing to choose."""
        english = is_english(text)
        if guess.nearest and is_english(guess.nearest) == english:
            return guess.nearest
        own = self.store.texts(guess.name)
        return next((example for example in own if is_english(example) == english), "")


def _verdict(floors: Floors, scope: float, best: Guess, gap: float) -> Verdict:
    if scope < floors.scope:
        return "near" if best.nearness >= floors.near else "far"
    return "sure" if best.chance >= floors.confidence and gap >= floors.gap else "unsure"


def _why(look: Look) -> str:
    """One line for staff."""
    first, *others = look.guesses
    line = f"{first.name} {first.chance:.2f}"
    if others:
        line += f", then {others[0].name} {others[0].chance:.2f}"
    line += f"; any of them {look.scope:.2f}, floor {look.floors.scope:.2f}: {look.verdict}"
    also = [guess.name for guess in others if guess.chance >= SEVERAL]
    if also:
        line += f"; also {', '.join(also)}"
    return f"{line}; like: {first.nearest}" if first.nearest else line


def by_pattern(text: str) -> Intent | None:
    """Small talk or a call for a person, when the whole message is that."""
    bare = re.sub(f"^{EDGES}|{EDGES}$", "", text)
    for candidate in (bare, GREETING.sub("", bare)):
        for name, route, patterns in patterned():
            if any(p.fullmatch(candidate) for p in patterns):
                return Intent(name, 1.0, route, sure=True)
    return None


@cache
def patterned() -> Sequence[tuple[str, Route, tuple[re.Pattern[str], ...]]]:
    """(name, route, patterns) of the packaged intents that have patterns."""
    table = tomllib.loads((files("chatbot") / "data" / "intents.toml").read_text("utf-8"))
    return tuple(
        (
            name,
            row["route"],
            tuple(re.compile(p, re.IGNORECASE | re.DOTALL) for p in row["patterns"]),
        )
        for name, row in table.items()
        if "patterns" in row
    )
