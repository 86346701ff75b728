"""What holds intents back: too few examples, labels that contradict each other, or the turn alone.

    python benchmarks/learning_curves.py [--data shared/data/intents] [--only NAME]

For each public set: the scores with a growing share of its training rows (drawn at random, the
same floors and features as always), and how often the same wording is labelled differently. For
CrossWOZ also what was said before, by the customer or by the assistant: its n-grams beside the
turn's own, read by the same linear machines without calibration, against the turn alone.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from environment import described
from intents import FOLDERS
from scipy import sparse

from chatbot.intents import labelled
from chatbot.intents.archive import strangers
from chatbot.intents.features import learned, plain
from chatbot.intents.labelled import Data, Row
from chatbot.intents.machine import machines
from ui.commands.evaluate_intent import embedding, measured
from ui.settings import Settings, load

SHARES = (0.1, 0.25, 0.5, 1.0)
SHOWN = ("accuracy", "micro_f1", "exact_set", "oos_auroc", "train_seconds")
UNKNOWN = {"clinc150": "oos"}


def curve(data: Data, settings: Settings) -> dict[str, Any]:
    """Scores on the test file by the share of training rows."""
    order = np.random.default_rng(0).permutation(len(data.train))
    found = {}
    for share in SHARES:
        some = [data.train[i] for i in order[: round(share * len(order))]]
        scores = measured(replace(data, train=some), settings, None, 1)
        found[f"{share:.0%}"] = {"rows": len(some), **{name: scores[name] for name in SHOWN}}
    return found


def contradictions(rows: Sequence[Row]) -> dict[str, float | int]:
    """Of the rows whose wording occurs more than once: labelled otherwise than most of its kind."""
    kinds: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for row in rows:
        kinds[plain(row.text)][tuple(sorted(row.intents))] += 1
    repeated = [kind for kind in kinds.values() if kind.total() > 1]
    count = sum(kind.total() for kind in repeated)
    odd = sum(kind.total() - max(kind.values()) for kind in repeated)
    share = round(odd / count, 4) if count else 0.0
    return {"rows": len(rows), "repeated": count, "labelled_otherwise": odd, "share": share}


def turn_before(folder: Path, settings: Settings) -> dict[str, dict[str, float]]:
    """CrossWOZ's turns alone, and beside what was said before them."""
    turns = [json.loads(line) for line in (folder / "user_turns.jsonl").open(encoding="utf-8")]
    asked: dict[str, str] = {}
    for turn in turns:  # in order; "val-11290-2" is the second turn of the customer in 11290
        dialogue = turn["id"].rpartition("-")[0]
        turn["prev_user"], asked[dialogue] = asked.get(dialogue, ""), turn["text"]
    names = sorted({name for turn in turns for name in turn["labels"]})
    labels = np.array([[name in turn["labels"] for name in names] for turn in turns])
    train = np.array([turn["split"] == "val" for turn in turns])
    own = [turn["text"] for turn in turns]
    embed, _ = embedding(settings)
    vectors, far = embed(own).vectors, embed(strangers()).vectors
    features = learned(
        [own[i] for i in np.flatnonzero(train)], {n: v[train] for n, v in vectors.items()}, far
    )
    dense = features.dense(own, vectors)
    alone = [features.grams(own), sparse.csr_matrix(dense)]
    found = {}
    for kind in ("alone", "prev_user", "prev_system"):
        before = [turn.get(kind, "") for turn in turns]
        said = learned([before[i] for i in np.flatnonzero(train)], {}, {}).grams(before)
        rows = sparse.hstack([said, *alone], "csr", np.float64)
        weights, bias = machines(rows[train], dense[train], labels[train])
        named, meant = rows[~train] @ weights + bias > 0, labels[~train]
        micro = 2 * (named & meant).sum() / (named.sum() + meant.sum())
        exact = (named == meant).all(1).mean()
        found[kind] = {"micro_f1": round(float(micro), 4), "exact_set": round(float(exact), 4)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Learning curves and contradicting labels.")
    given = os.environ.get("ZHIKE_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(given) / "intents")
    parser.add_argument("--only", choices=list(FOLDERS))
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(f"{chosen.data}: the public sets are not there, so nothing is measured.")
        return
    settings, figures = load(), dict[str, Any]()
    names = [chosen.only] if chosen.only else list(FOLDERS)
    for name in names:
        folder = chosen.data / FOLDERS[name]
        train, test = (labelled.read(folder / f"{part}.csv") for part in ("train", "test"))
        data = Data(train, test, None, UNKNOWN.get(name))
        figures[name] = {
            "curve": curve(data, settings),
            "contradictions": contradictions([*train, *test]),
        }
        if name == "crosswoz":
            figures[name]["turn_before"] = turn_before(folder, settings)
    print(described(figures, *(chosen.data / FOLDERS[name] for name in names)))


if __name__ == "__main__":
    main()
