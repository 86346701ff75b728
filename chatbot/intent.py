"""What the customer wants: whole-message patterns first, then the nearest topic by examples."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from chatbot.types import Intent
from knowledge.types import Embedder, Vectors

UNKNOWN = "other"
FLOOR = 0.30  # probability below which a topic is not named; 14 topics, so chance is 0.07
EDGES = r"[\s,.!?;:~…，。！？；：～、👍😊🙏😄❤]*"
GREETING = re.compile(r"^(?:hi|hello|hey|你好|您好|亲|嗨|哈喽)[\s,.!，。！~]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Definition:
    """An intent as staff define it."""

    name: str
    route: Any  # "answer" | "smalltalk" | "person"
    patterns: tuple[re.Pattern[str], ...]
    examples: tuple[str, ...]


class IntentModel:
    """Patterns must match the whole message; topics are learned from the examples' embeddings."""

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        """`cache`: a folder where the examples' vectors are kept from one start to the next."""
        self._embedder = embedder
        self._cache = cache
        self._lock = Lock()
        self._model: LogisticRegression | None = None

    def detect(self, text: str, vector: Vectors) -> Intent:
        """`vector`: (1, d), the query embedding of `text`."""
        pattern = by_pattern(text)
        return pattern or self._topic(vector)

    def _topic(self, vector: Vectors) -> Intent:
        model = self.fit()
        probabilities = model.predict_proba(vector)[0]
        best = int(np.argmax(probabilities))
        score = float(probabilities[best])
        return Intent(str(model.classes_[best]) if score >= FLOOR else UNKNOWN, score)

    def fit(self) -> LogisticRegression:
        """Train on the examples once; called at start."""
        with self._lock:
            if self._model is None:
                rows = [(e, d.name) for d in definitions() for e in d.examples]
                model = LogisticRegression(C=30.0, max_iter=1000)
                vectors = self._vectors([text for text, _ in rows])
                self._model = model.fit(vectors, [name for _, name in rows])
            return self._model

    def _vectors(self, texts: list[str]) -> Vectors:
        """(len(texts), d); embedding them takes seconds, reading them back milliseconds."""
        key = hashlib.sha256("\n".join([self._embedder.name, *texts]).encode()).hexdigest()
        path = self._cache / f"intents-{key[:16]}.npy"
        try:
            stored: Vectors = np.load(path, allow_pickle=False)
            return stored
        except (OSError, ValueError):
            vectors = self._embedder.queries(texts)
            self._cache.mkdir(parents=True, exist_ok=True)
            for old in self._cache.glob("intents-*.npy"):
                old.unlink(missing_ok=True)
            np.save(path, vectors, allow_pickle=False)
            return vectors


def by_pattern(text: str) -> Intent | None:
    """Small talk or a call for a person, when the whole message is that."""
    bare = re.sub(f"^{EDGES}|{EDGES}$", "", text)
    for candidate in (bare, GREETING.sub("", bare)):
        for definition in definitions():
            if any(p.fullmatch(candidate) for p in definition.patterns):
                return Intent(definition.name, 1.0, definition.route)
    return None


@cache
def definitions() -> tuple[Definition, ...]:
    """The default intents from data/intents.toml."""
    table = tomllib.loads((files("chatbot") / "data" / "intents.toml").read_text("utf-8"))
    return tuple(
        Definition(
            name,
            row.get("route", "answer"),
            tuple(re.compile(p, re.IGNORECASE | re.DOTALL) for p in row.get("patterns", ())),
            tuple(row.get("examples", ())),
        )
        for name, row in table.items()
    )
