"""Labelled texts in a CSV file, and how well a model that learned one file does on another."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import IntentError
from chatbot.intents import calibration
from chatbot.intents.calibration import Mask
from chatbot.intents.model import SEVERAL, Doubles, Judged
from chatbot.intents.store import JOINT, Definition
from chatbot.intents.training import Examples, Texts, fit
from chatbot.intents.wording import readable

Embed = Callable[[Sequence[str]], Texts]
KEYS = (
    "accuracy",
    "in_scope_accuracy",
    "oos_auroc",
    "in_scope_kept",
    "oos_recall",
    "micro_f1",
    "exact_set",
    "ece",
    "train_seconds",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A text and its intents."""

    text: str
    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """What is learned from and measured on; rows that have `unknown` are out of scope."""

    train: list[Row]
    test: list[Row]
    valid: list[Row] | None = None
    unknown: str | None = None


def read(path: Path) -> list[Row]:
    """Text first, intent second, below a header; several intents of a text are joined by "|",
    and a text may have none.

    Raises IntentError with the line that is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except OSError as error:
        raise IntentError(f"{path}: cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise IntentError(f"{path}: is no CSV file in UTF-8 ({error}).") from error
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) < 2 or not line[0].strip():
            raise IntentError(f"{path}, row {number}: a text and an intent are needed.")
        names = tuple(n.strip() for n in line[1].split(JOINT) if n.strip())
        rows.append(Row(line[0], tuple(dict.fromkeys(names))))
    if not rows:
        raise IntentError(f"{path}: has no rows below its header.")
    return rows


def definitions(rows: Sequence[Row]) -> tuple[Definition, ...]:
    """The intents of these rows, to be stored."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for name in row.intents:
            found.setdefault(name, []).append(row.text)
    return tuple(Definition(name, examples=tuple(texts)) for name, texts in found.items())


def measure(
    data: Data, embed: Embed, strangers: Sequence[str], embedder: str, shots: int | None, seed: int
) -> dict[str, Any]:
    """Train on `shots` examples per intent (None: on all, 0: on the names alone) and score."""
    inside = [row for row in data.train if data.unknown not in row.intents]
    names = tuple(sorted({name for row in inside for name in row.intents}))
    if not names:
        raise IntentError("The training file has no row in scope.")
    chosen = inside if shots is None else _few(inside, names, shots, seed)
    far = [*strangers, *(row.text for row in data.train if data.unknown in row.intents)]
    told = [Row(readable(name), (name,)) for name in names]
    rows = [*chosen, *told]
    keys = np.array([*range(1, len(chosen) + 1), *[0] * len(told)])
    examples = Examples(names, embed([r.text for r in rows]), _labels(rows, names), keys)
    validation = None
    if data.valid is not None:
        valid = [row for row in data.valid if data.unknown not in row.intents]
        validation = (embed([r.text for r in valid]), _labels(valid, names))
    model, report = fit(examples, embed(far), embedder, validation)
    texts = embed([row.text for row in data.test])
    judged = model.judge(model.scores(texts.texts, texts.vectors))
    outside = np.array([data.unknown in row.intents for row in data.test])
    sets = Sets(outside, model.floors.scope, may_be_none=any(not row.intents for row in inside))
    scored = scores(judged, _labels(data.test, names), sets)
    return {**scored, "train_seconds": report.seconds}


@dataclass(frozen=True, slots=True)
class Sets:
    """What the rows of a test are."""

    outside: Mask  # (n,) labelled as out of scope
    floor: float  # of scope
    may_be_none: bool  # texts without any intent were learned too


def scores(judged: Judged, labels: Mask, sets: Sets) -> dict[str, Any]:
    """labels: (n, k). Before any rejection, but for in_scope_kept and oos_recall; all shares are
    0..1, and None where there is no such row. Rows in scope have an intent that was learned."""
    every = np.arange(len(labels))
    best = judged.intents.argmax(1)
    top, right = judged.intents.max(1), labels[every, best]
    named = judged.intents >= SEVERAL
    if not sets.may_be_none:
        named[every, best] = True
    outside, scope = sets.outside, judged.scope
    meant, own = ~outside, ~outside & labels.any(1)
    hits, count = float((named & labels)[meant].sum()), float(named.sum() + labels.sum())
    count -= float(named[outside].sum())
    return {
        "accuracy": _mean(right[outside | own]),
        "in_scope_accuracy": _mean(right[own]),
        "oos_auroc": calibration.auroc(scope[own], scope[outside]),
        "in_scope_kept": _mean(scope[own] >= sets.floor),
        "oos_recall": _mean(scope[outside] < sets.floor),
        "micro_f1": 2 * hits / count if count else None,
        "exact_set": _mean((named == labels).all(1)[meant]),
        "ece": calibration.calibration_error(top[own], right[own]) if own.any() else None,
    }


def averaged(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean over the seeds, of every key."""
    return {
        key: None if runs[0][key] is None else round(float(np.mean([r[key] for r in runs])), 4)
        for key in KEYS
    }


def _few(rows: Sequence[Row], names: Sequence[str], shots: int, seed: int) -> list[Row]:
    """At random; a text of several intents counts for the first of them."""
    order = np.random.default_rng(seed).permutation(len(rows))
    left = dict.fromkeys(names, shots)
    chosen = []
    for place in order:
        row = rows[place]
        if row.intents and left[row.intents[0]] > 0:
            left[row.intents[0]] -= 1
            chosen.append(row)
    return chosen


def _labels(rows: Sequence[Row], names: Sequence[str]) -> Mask:
    """(n, k); an intent that was not learned has no column."""
    places = {name: i for i, name in enumerate(names)}
    labels = np.zeros((len(rows), len(names)), bool)
    for number, row in enumerate(rows):
        for name in row.intents:
            if name in places:
                labels[number, places[name]] = True
    return labels


def _mean(mask: Mask | Doubles) -> float | None:
    return float(np.mean(mask)) if len(mask) else None
