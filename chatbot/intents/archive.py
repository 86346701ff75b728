"""Trained models on disk: made from the team's intents, named by what they were made from."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.champions import Champion
from chatbot.errors import IntentError, ModelError, NotFound
from chatbot.intents import model as models
from chatbot.intents import report as reports
from chatbot.intents.calibration import Mask
from chatbot.intents.features import is_english
from chatbot.intents.model import Model
from chatbot.intents.report import Report
from chatbot.intents.store import Definition, key_of
from chatbot.intents.training import Examples, Table, Texts, fit
from chatbot.intents.wording import readable
from knowledge.embedding_cache import CachedEmbedder
from knowledge.language import simplify
from knowledge.types import Embedder, Vectors

KEPT = 8  # models, newest first; a rollback needs the one before
MODEL, CARD = "model.npz", "card.json"
DATA = Path(__file__).parents[1] / "data"
BASE, BASE_CARD = "intents.npz", "intents.json"
AT_ONCE = 5_000  # texts asked of the cache in one query


class Queries:
    """An embedder whose passages are its queries, so that the cache can keep them."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.name = f"{inner.name}-queries"
        self.dimension, self.max_tokens = inner.dimension, inner.max_tokens

    def count(self, text: str) -> int:
        return self._inner.count(text)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._inner.queries(texts)

    passages = queries


class Archive:
    """A folder per model: the numbers, and a card that says what they are worth."""

    def __init__(
        self, folder: Path, cache: Path, embedder: Embedder, english: Embedder | None = None
    ) -> None:
        """`cache`: where vectors of examples are kept. `english`: helps with English texts."""
        self.folder, self._cache = folder, cache
        self._embedder, self._english = embedder, english

    def name(self, definitions: Sequence[Definition]) -> str:
        """The same for the same intents, examples and embedders."""
        made_of = sorted(repr((d.name, d.description, sorted(d.examples))) for d in definitions)
        names = [e.name for e in (self._embedder, self._english) if e is not None]
        text = "\n".join([str(models.FORM), *names, *made_of])
        return f"intents-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def usable(self, model: Model) -> bool:
        """Whether its vectors are those that this process computes."""
        known = {"e5"} | ({"minilm"} if self._english is not None else set())
        return model.embedder == self._embedder.name and set(model.encoders) <= known

    def load(self, champion: Champion) -> Model:
        """Raises ModelError when the file is missing or changed."""
        return models.load(Path(champion.path), champion.sha256)

    def base(self) -> Champion | None:
        """The packaged model, where it is for this embedder: it serves until a team trains one."""
        card = base_card()
        if card["embedder"] != self._embedder.name:
            return None
        return Champion(card["name"], str(DATA / BASE), card["sha256"], 1.0)

    def is_base(self, name: str) -> bool:
        return bool(name == base_card()["name"])

    def kept(self) -> list[dict[str, Any]]:
        """The cards of the models that are still there, newest first, the packaged one last."""
        cards = [_card(path) for path in self.folder.glob(f"*/{CARD}")]
        found = sorted(filter(None, cards), key=lambda card: str(card["created"]), reverse=True)
        return [*found, base_card()] if self.base() else found

    def named(self, name: str) -> Champion:
        """Raises NotFound when that model is not kept, ModelError when it is for another embedder
        or its file has changed.
        """
        card = next((card for card in self.kept() if card["name"] == name), None)
        if card is None:
            raise NotFound(f"There is no intent model {name!r}. See `zhike intents models`.")
        packaged = card is base_card()
        path = DATA / BASE if packaged else (self.folder / name / MODEL).resolve()
        champion = Champion(name, str(path), str(card["sha256"]), 1.0)
        if not self.usable(self.load(champion)):
            raise ModelError(
                f"{name}: it was trained for {card['embedder']}, which is not the embedder now. "
                "Run `zhike intents train`."
            )
        return champion

    def report(self, name: str) -> Report | None:
        """None when there is no such model."""
        path = self.folder / name / CARD
        try:
            if not path.exists() and self.is_base(name):
                return reports.read(base_card()["report"])
            return reports.read(json.loads(path.read_text("utf-8"))["report"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def train(self, name: str, definitions: Sequence[Definition]) -> tuple[Champion, Report]:
        """Raises IntentError when there is nothing to learn."""
        if not definitions:
            raise IntentError("There are no intents to learn. Add one: zhike intents add NAME")
        definitions = sorted(definitions, key=lambda definition: definition.name)
        rows, labels, keys = table_of(definitions)
        examples = Examples(
            tuple(d.name for d in definitions), self.embedded(rows), labels, np.array(keys)
        )
        model, report = fit(examples, self.embedded(strangers()), self._embedder.name)
        path = self.folder / name / MODEL
        digest = models.save(model, path)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        card = {
            "name": name,
            "created": now,
            "sha256": digest,
            "embedder": self._embedder.name,
        }
        card_text = json.dumps(card | {"report": report.as_dict()}, ensure_ascii=False, indent=1)
        (path.parent / CARD).write_text(card_text, encoding="utf-8")
        self._forget()
        return Champion(name, str(path.resolve()), digest, 1.0), report

    def _forget(self) -> None:
        cards = sorted(self.folder.glob(f"*/{CARD}"), key=lambda p: -p.stat().st_mtime)
        for card in cards[KEPT:]:
            shutil.rmtree(card.parent, ignore_errors=True)

    def embedded(self, texts: Sequence[str], *, keep: bool = True) -> Texts:
        """With their vectors, computed once per home.

        `keep=False` leaves nothing in the cache: of what customers write, which may be erased.
        """
        cached = self._cached if keep else _once
        found: dict[str, Vectors] = {"e5": cached(self._embedder, [*map(asked, texts)])}
        if self._english is not None:
            found["minilm"] = np.zeros((len(texts), self._english.dimension), np.float32)
            english = [i for i, text in enumerate(texts) if is_english(text)]
            found["minilm"][english] = cached(self._english, [texts[i] for i in english])
        return Texts(texts, found)

    def vectors(self, texts: Sequence[str], own: Vectors, encoders: Sequence[str]) -> Table:
        """Of a turn. `own`: (n, d), its embedding; English texts get a second one."""
        found: dict[str, Vectors] = {"e5": own}
        if "minilm" in encoders and self._english is not None:
            found["minilm"] = np.zeros((len(texts), self._english.dimension), np.float32)
            english = [i for i, text in enumerate(texts) if is_english(text)]
            found["minilm"][english] = self._english.queries([texts[i] for i in english])
        return found

    def _cached(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        cached = CachedEmbedder(Queries(embedder), self._cache)
        try:
            parts = [
                cached.passages(texts[start : start + AT_ONCE])
                for start in range(0, len(texts), AT_ONCE)
            ]
        finally:
            cached.close()
        return np.concatenate(parts) if parts else np.empty((0, embedder.dimension), np.float32)


def _once(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    if not texts:
        return np.empty((0, embedder.dimension), np.float32)
    return embedder.queries(texts)


def _card(path: Path) -> dict[str, Any] | None:
    """None where it cannot be read, or lacks what a model is known by."""
    try:
        card = json.loads(path.read_text("utf-8"))
        return (
            {**card} if {"name", "created", "sha256", "embedder", "report"} <= set(card) else None
        )
    except (OSError, ValueError, TypeError):
        return None


@cache
def base_card() -> dict[str, Any]:
    """What the packaged model is worth, its name and its SHA-256."""
    card: dict[str, Any] = json.loads((DATA / BASE_CARD).read_text("utf-8"))
    return card


def asked(text: str) -> str:
    """As the assistant embeds a turn: the embedder knows Simplified far better."""
    return simplify(text)


def strangers() -> tuple[str, ...]:
    """Texts about anything that a support team is not asked."""
    return tuple((files("chatbot") / "data" / "strangers.txt").read_text("utf-8").splitlines())


def table_of(definitions: Sequence[Definition]) -> tuple[list[str], Mask, list[int]]:
    """Texts, their intents (n, k), and keys; names and descriptions are texts with the key 0.

    They make an intent work without any example; with a few it gains two points of accuracy.
    """
    places: dict[str, int] = {}
    owners: list[tuple[int, int]] = []
    keys: list[int] = []
    for number, definition in enumerate(definitions):
        told = [readable(definition.name), definition.description]
        for text in [*filter(None, told), *definition.examples]:
            row = places.setdefault(text, len(places))
            if row == len(keys):
                keys.append(0)
            if text in definition.examples and keys[row] == 0:
                keys[row] = key_of(definition.name, text)
            owners.append((row, number))
    labels = np.zeros((len(places), len(definitions)), bool)
    for row, number in owners:
        labels[row, number] = True
    return list(places), labels, keys
