"""Fits the mood model on labelled messages.

    python -m chatbot.sentiment_training samples/moods

writes data/moods.npz anew; `make moods` does the same and prints what is right on rows withheld.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from chatbot.errors import ChatbotError
from chatbot.labelled_moods import read
from chatbot.sentiment import FEELINGS, PACKAGED, MoodModel, plain_features, save
from knowledge.embedder import PackagedE5
from knowledge.language import simplify
from knowledge.types import Vectors

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)  # inverse regularisation, chosen on withheld rows
FOLDS = 5
FALSE_ALARMS = 0.005  # share of messages that are not angry and would call a person
FEWEST = 5  # of each feeling
LEAST = 0.7  # probability of anger below which nobody is called, however clean the data


def fit(
    texts: Sequence[str], labels: Sequence[str], vectors: Mapping[str, Vectors], embedder: str
) -> tuple[MoodModel, float]:
    """The model and its accuracy on rows withheld. `vectors`: (n, d) per encoder.

    Raises ChatbotError when a feeling has fewer than FEWEST texts.
    """
    wanted = np.array([FEELINGS.index(label) for label in labels])  # type: ignore[arg-type]
    rare = [f for i, f in enumerate(FEELINGS) if (wanted == i).sum() < FEWEST]
    if rare:
        raise ChatbotError(f"At least {FEWEST} texts of each mood are needed; {rare[0]} has fewer.")
    learned = plain_features(texts, vectors)
    rows = sparse.hstack(
        [learned.grams(texts), sparse.csr_matrix(learned.dense(texts, vectors))], format="csr"
    )
    withheld = {c: _withheld(rows, wanted, c) for c in STRENGTHS}
    best = max(STRENGTHS, key=lambda c: (withheld[c].argmax(1) == wanted).mean())
    chances = withheld[best]
    model = _logistic(best).fit(rows, wanted)
    angry = FEELINGS.index("angry")
    floor = float(np.quantile(chances[wanted != angry, angry], 1 - FALSE_ALARMS))
    return (
        MoodModel(
            embedder,
            learned,
            model.coef_.T.astype(np.float32),
            model.intercept_.astype(np.float32),
            round(max(floor, LEAST), 4),
        ),
        float((chances.argmax(1) == wanted).mean()),
    )


def _withheld(rows: Any, wanted: Any, strength: float) -> Any:
    """(n, feelings) from models that did not see the row."""
    found = np.zeros((len(wanted), len(FEELINGS)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for seen, unseen in folds.split(np.zeros(len(wanted)), wanted):
        found[unseen] = (
            _logistic(strength).fit(rows[seen], wanted[seen]).predict_proba(rows[unseen])
        )
    return found


def _logistic(strength: float) -> Any:
    return LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")


def train(folder: Path, target: Path, say: Callable[[str], None] = lambda line: None) -> None:
    """Train on the CSV files of a folder with the packaged embedder, and write the model."""
    rows = [row for path in sorted(folder.glob("*.csv")) for row in read(path)]
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    embedder = PackagedE5()
    vectors = {"e5": embedder.queries([simplify(text) for text in texts])}
    model, accuracy = fit(texts, labels, vectors, embedder.name)
    save(model, target)
    say(f"{len(rows)} messages; withheld: {accuracy:.3f} right; anger from {model.floor:.2f}")


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(str(PACKAGED)), print)
