"""Moods: the packaged model on our own set, and the method trained on public labels.

    python benchmarks/sentiment.py

With ZHIKE_TEST_DATA: Chinese shop reviews (a sample without near-duplicates, 80 % to train on,
accuracy of positive against negative on the rest) and VADER's graded sentences (trained on its
tweets, Pearson's r with the mean of 20 raters on its Amazon sentences): by ridge regression, linear
as the packaged model is, and by kernel ridge over the same features.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from environment import ROOT, described
from scipy import sparse
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold

from chatbot import labelled_moods
from chatbot.intents.archive import Queries
from chatbot.intents.features import Features
from chatbot.sentiment import plain_features
from finetune.duplicates import groups, twins
from knowledge import minilm
from knowledge.embedder import PackagedE5
from knowledge.embedding_cache import CachedEmbedder
from knowledge.language import simplify
from knowledge.types import Embedder
from ui.settings import load

REVIEWS = 6_000  # of each polarity, before near-duplicates are taken out
STRENGTH, PENALTY = 1.0, 2.0  # chosen on the training half alone
KERNELS = {"gamma": [0.03, 0.1], "alpha": [0.1, 0.3]}  # one is chosen on three folds of the tweets


def main() -> None:
    settings = load()
    cache = settings.models.parent / "embeddings"
    e5: Embedder = CachedEmbedder(Queries(PackagedE5()), cache)
    english = minilm.packaged(settings.models)
    own = ROOT / "tests" / "data" / "moods.csv"
    figures = labelled_moods.scores(labelled_moods.read(own), PackagedE5())
    figures.pop("wrong")
    shown: dict[str, Any] = {"own": figures}
    if data := os.environ.get("ZHIKE_TEST_DATA"):
        folder = Path(data) / "sentiment"
        shown["reviews_zh"] = _reviews(folder / "reviews_zh", {"e5": e5})
        both = {"e5": e5} | ({"minilm": CachedEmbedder(english, cache)} if english else {})
        shown["vader_en"] = _vader(folder / "vader_en", both)
    print(described(shown, own))


def _reviews(folder: Path, embedders: dict[str, Embedder]) -> dict[str, float]:
    drawn = random.Random(0)
    rows: list[tuple[str, int]] = []
    for name, label in (("neg", 0), ("pos", 1)):
        with gzip.open(folder / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
            lines = sorted({line.strip() for line in file if line.strip()})
        rows += [(text, label) for text in drawn.sample(lines, REVIEWS)]
    texts = [text for text, _ in rows]
    kept = [group[0] for group in groups(len(texts), twins(texts))]
    drawn.shuffle(kept)
    cut = len(kept) * 4 // 5
    train, test = ([rows[i] for i in part] for part in (kept[:cut], kept[cut:]))
    learned, x = _fitted([text for text, _ in train], embedders)
    model = LogisticRegression(C=STRENGTH, max_iter=3000).fit(x, [label for _, label in train])
    found = model.predict(_rows(learned, [text for text, _ in test], embedders))
    right = float(np.mean(found == np.array([label for _, label in test])))
    return {"accuracy": round(right, 4), "train": len(train), "test": len(test)}


def _vader(folder: Path, embedders: dict[str, Embedder]) -> dict[str, float]:
    (texts, scores), (asked, wanted) = (
        _graded(folder / f"{name}_GroundTruth.txt") for name in ("tweets", "amazonReviewSnippets")
    )
    learned, x = _fitted(texts, embedders)
    others, middle = _rows(learned, asked, embedders), float(np.mean(scores))
    linear = Ridge(alpha=PENALTY).fit(x, scores).predict(others)
    folds = KFold(3, shuffle=True, random_state=0)
    kernel = GridSearchCV(KernelRidge(kernel="rbf"), KERNELS, cv=folds)
    kernel.fit(x, np.array(scores) - middle)  # it has no intercept
    r = {
        name: round(float(np.corrcoef(found, wanted)[0, 1]), 4)
        for name, found in (("linear", linear), ("kernel", kernel.predict(others)))
    }
    chosen = kernel.best_params_
    return {"pearson": r["kernel"], "pearson_linear": r["linear"], **chosen, "train": len(texts)}


def _graded(path: Path) -> tuple[list[str], list[float]]:
    rows = [line.split("\t", 2) for line in path.read_text("utf-8", "replace").splitlines() if line]
    return [row[2] for row in rows], [float(row[1]) for row in rows]


def _fitted(texts: Sequence[str], embedders: dict[str, Embedder]) -> tuple[Features, Any]:
    learned = plain_features(texts, _vectors(texts, embedders))
    return learned, _rows(learned, texts, embedders)


def _rows(learned: Features, texts: Sequence[str], embedders: dict[str, Embedder]) -> Any:
    dense = learned.dense(texts, _vectors(texts, embedders))
    return sparse.hstack([learned.grams(texts), sparse.csr_matrix(dense)], format="csr")


def _vectors(texts: Sequence[str], embedders: dict[str, Embedder]) -> dict[str, Any]:
    return {name: one.passages([simplify(t) for t in texts]) for name, one in embedders.items()}


if __name__ == "__main__":
    main()
