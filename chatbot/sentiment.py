"""How a customer feels in one message: negative, neutral or positive, and whether angry.

A regularised multinomial logistic model over the features of the intents (hashed n-grams and the
embedding that the turn has anyway), trained on `samples/moods` (`make moods`). A broken cup is told
in neutral words by most people: what happened is not how they feel.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from chatbot.errors import ChatbotError
from chatbot.intents import features
from chatbot.intents.features import Block, Features
from knowledge.types import Vectors

Feeling = Literal["negative", "neutral", "positive", "angry"]
FEELINGS: tuple[Feeling, ...] = get_args(Feeling)
VALUE = np.array([-1.0, 0.0, 1.0, -1.0])  # of each feeling, for the one-number valence
FORM = 1
PACKAGED = files("chatbot") / "data" / "moods.npz"


@dataclass(frozen=True, slots=True)
class Mood:
    """What one message sounds like."""

    feeling: Feeling
    valence: float  # -1..1, expected value over the feelings
    anger: float  # 0..1
    floor: float  # of anger, from which a person is called

    @property
    def angry(self) -> bool:
        return self.anger >= self.floor

    def told(self) -> str:
        """One line for staff."""
        return f"{self.feeling} {self.valence:+.2f}, anger {self.anger:.2f}, floor {self.floor:.2f}"


@dataclass(frozen=True, slots=True)
class MoodModel:
    """Weights over Features; one column per feeling."""

    embedder: str
    features: Features
    weights: npt.NDArray[np.float32]  # (features, feelings)
    bias: npt.NDArray[np.float32]  # (feelings,)
    floor: float  # see Mood

    @property
    def encoders(self) -> tuple[str, ...]:
        return tuple(block.name for block in self.features.blocks)

    def chances(self, texts: Sequence[str], vectors: Mapping[str, Vectors]) -> Any:
        """(n, feelings), each row sums to 1. `vectors`: (n, d) per encoder."""
        grams = self.features.grams(texts)
        dense = self.features.dense(texts, vectors)
        scores = grams @ self.weights[: grams.shape[1]] + dense @ self.weights[grams.shape[1] :]
        scores = scores + self.bias
        shares = np.exp(scores - scores.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)

    def mood(self, text: str, vectors: Mapping[str, Vectors]) -> Mood:
        """Of one text; `vectors`: (1, d) per encoder."""
        (chances,) = self.chances([text], vectors)
        return Mood(
            FEELINGS[int(chances.argmax())],
            float(chances @ VALUE),
            float(chances[FEELINGS.index("angry")]),
            self.floor,
        )


def save(model: MoodModel, path: Path) -> None:
    """As numbers only, never pickled."""
    table: dict[str, Any] = {
        "form": FORM,
        "embedder": model.embedder,
        "columns": model.features.columns.astype(np.int32),
        "idf": model.features.idf.astype(np.float16),
        "weights": model.weights.astype(np.float16),
        "bias": model.bias,
        "floor": model.floor,
    }
    for block in model.features.blocks:
        table |= {f"{block.name}.mean": block.mean, f"{block.name}.scale": block.scale}
    with path.open("wb") as file:
        np.savez_compressed(file, **table)


def load(path: Path) -> MoodModel:
    """Raises ChatbotError when the file is missing, damaged or of another version."""
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as table:
            if int(table["form"]) != FORM:
                raise ValueError(f"version {int(table['form'])}")
            names = [name[:-5] for name in table.files if name.endswith(".mean")]
            blocks = (Block(n, table[f"{n}.mean"], table[f"{n}.scale"]) for n in names)
            learned = Features(
                table["columns"].astype(np.int64),
                table["idf"].astype(np.float32),
                tuple(blocks),
            )
            return MoodModel(
                str(table["embedder"]),
                learned,
                table["weights"].astype(np.float32),
                table["bias"],
                float(table["floor"]),
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ChatbotError(
            f"{path}: the moods cannot be read ({error}). Install Zhike again, or run `make moods`."
        ) from error


@cache
def packaged() -> MoodModel:
    """The model that ships with the package."""
    return load(Path(str(PACKAGED)))


def serving(embedder: str) -> MoodModel | None:
    """The packaged model, where it is for this embedder; None: moods are not known."""
    model = packaged()
    return model if model.embedder == embedder else None


def plain_features(texts: Sequence[str], vectors: Mapping[str, Vectors]) -> Features:
    """What is learned of the training texts before any weight."""
    none = {name: np.empty((0, rows.shape[1]), np.float32) for name, rows in vectors.items()}
    return features.learned(texts, vectors, none)
