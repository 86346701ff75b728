"""The fitted numbers behind evidence scores, per embedder and language; JSON, never pickled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.errors import KnowledgeError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardised features."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float

    def probability(self, rows: Floats) -> Floats:
        """(n, features) to (n,), 0..1."""
        standard = (rows - np.array(self.mean)) / np.array(self.scale)
        odds = np.clip(standard @ np.array(self.weight) + self.bias, -30, 30)
        probability: Floats = 1 / (1 + np.exp(-odds))
        return probability


@dataclass(frozen=True, slots=True)
class LanguageWeights:
    """Both models of one language and the floor on the question's probability."""

    sentence: Logistic
    question: Logistic
    floor: float


@dataclass(frozen=True, slots=True)
class Weights:
    """What was fitted with one embedder; "zh" and "en", any other language uses "any"."""

    embedder: str
    languages: dict[str, LanguageWeights]

    def of(self, language: str) -> LanguageWeights:
        return self.languages.get(language.split("-")[0], self.languages["any"])


def load(path: Path | None = None) -> Weights:
    """The weights in `path`, or those that ship with the package."""
    source = path or files("knowledge") / "data" / "evidence.json"
    try:
        return _weights(json.loads(source.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KnowledgeError(
            f"{source}: the evidence weights cannot be read ({error}). "
            "Run `zhike knowledge calibrate` to make them anew."
        ) from error


def save(weights: Weights, path: Path) -> None:
    path.write_text(json.dumps(asdict(weights), indent=1) + "\n", encoding="utf-8")


def _weights(table: dict[str, Any]) -> Weights:
    def logistic(row: dict[str, Any]) -> Logistic:
        return Logistic(
            tuple(row["mean"]), tuple(row["scale"]), tuple(row["weight"]), float(row["bias"])
        )

    return Weights(
        table["embedder"],
        {
            name: LanguageWeights(
                logistic(row["sentence"]), logistic(row["question"]), float(row["floor"])
            )
            for name, row in table["languages"].items()
        },
    )
