"""How good a model is, measured on rows that it did not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from chatbot.intents import calibration
from chatbot.intents.calibration import Mask, Part
from chatbot.intents.model import Integers, Judged, Model, sigmoid

PAIRS = 12  # of intents that are mixed up, most often first
SHOWN = 5  # examples per pair
CONFIDENCES = [n / 20 for n in range(20)]  # floors whose costs are told


@dataclass(frozen=True, slots=True)
class Pair:
    """Examples of `own` that were taken for `taken`."""

    own: str
    taken: str
    count: int
    keys: tuple[int, ...]  # of the examples


@dataclass(slots=True)
class Report:
    """Shares are 0..1; None: there was nothing to measure on."""

    intents: int
    withheld: int  # rows that were measured on
    accuracy: float | None = None
    calibration_error: float | None = None  # 15 bins
    near_auroc: float | None = None  # own rows against intents that were withheld altogether
    far_auroc: float | None = None  # own rows against texts about anything else
    kept: float | None = None  # of the own rows, at or above the floor of scope
    near_refused: float | None = None
    far_refused: float | None = None
    routed: float | None = None  # of the own rows, sure enough to decide a route
    routed_wrong: float | None = None  # of those
    floors: dict[str, float] = field(default_factory=dict)
    quality: dict[str, dict[str, float | int | None]] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    reliability: list[dict[str, Any]] = field(default_factory=list)
    costs: list[dict[str, float]] = field(default_factory=list)  # see _costs(); older cards: none
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read(table: dict[str, Any]) -> Report:
    """The report that as_dict() made."""
    pairs = [Pair(p["own"], p["taken"], p["count"], tuple(p["keys"])) for p in table["pairs"]]
    return Report(**{**table, "pairs": pairs})


def measured(
    model: Model, withheld: Sequence[tuple[Part, Judged]], labels: Mask, keys: Integers
) -> Report:
    """From the parts of the training data that partial models did not learn from."""
    count = sum(int(part.inside.sum()) for part, _ in withheld)
    report = Report(len(model.names), count, floors=asdict(model.floors))
    if not report.withheld:
        return report
    rows = np.concatenate([part.rows[part.inside] for part, _ in withheld])
    taken = np.concatenate([p.kept[j.intents[p.inside].argmax(1)] for p, j in withheld])
    ordered = [np.sort(j.intents[p.inside], 1) for p, j in withheld]
    top = np.concatenate([o[:, -1] for o in ordered])
    gap = np.concatenate([o[:, -1] - o[:, -2] if o.shape[1] > 1 else o[:, -1] for o in ordered])
    right = labels[rows, taken]
    report.accuracy = float(right.mean())
    report.calibration_error = calibration.calibration_error(top, right)
    report.reliability = calibration.bins(top, right)
    _scope(report, model, withheld, top, gap, right)
    first = labels[rows].argmax(1)
    report.quality = _quality(model.names, first, taken, right)
    report.pairs = _pairs(model.names, keys[rows], first, taken, right)
    return report


def _scope(
    report: Report,
    model: Model,
    withheld: Sequence[tuple[Part, Judged]],
    top: Any,
    gap: Any,
    right: Any,
) -> None:
    inside = np.concatenate([j.scope[p.inside] for p, j in withheld])
    near = np.concatenate([j.scope[~p.inside] for p, j in withheld])
    far = np.concatenate([sigmoid(model.scope.odds(p.far.belonging())) for p, _ in withheld])
    floors = model.floors
    report.near_auroc = calibration.auroc(inside, near)
    report.far_auroc = calibration.auroc(inside, far)
    report.kept = _share(inside >= floors.scope)
    report.near_refused = _share(near < floors.scope)
    report.far_refused = _share(far < floors.scope)
    sure = (inside >= floors.scope) & (top >= floors.confidence) & (gap >= floors.gap)
    report.routed, report.routed_wrong = _share(sure), _share(~right[sure])
    report.costs = _costs(top, (inside >= floors.scope) & (gap >= floors.gap), right)


def _costs(top: Any, allowed: Any, right: Any) -> list[dict[str, float]]:
    """What each floor of confidence would cost: the share of rows whose route the intent decides,
    and the share of these that would go wrong. `allowed`: (n,) by the other floors.
    """
    found = []
    for confidence in CONFIDENCES:
        sure = allowed & (top >= confidence)
        if sure.any():
            routed, wrong = float(sure.mean()), float((~right[sure]).mean())
            found.append({"confidence": round(confidence, 2), "routed": routed, "wrong": wrong})
    return found


def _quality(names: tuple[str, ...], own: Any, taken: Any, right: Any) -> dict[str, Any]:
    """Per intent: withheld examples, how many of them were found, how many of its finds are."""
    return {
        name: {
            "withheld": int((own == i).sum()),
            "recall": _share(right[own == i]),
            "precision": _share(right[taken == i]),
        }
        for i, name in enumerate(names)
    }


def _pairs(names: tuple[str, ...], keys: Any, own: Any, taken: Any, right: Any) -> list[Pair]:
    wrong = np.flatnonzero(~right)
    counted = Counter((int(own[w]), int(taken[w])) for w in wrong)
    found = []
    for (a, b), count in counted.most_common(PAIRS):
        shown = [int(keys[w]) for w in wrong if own[w] == a and taken[w] == b][:SHOWN]
        found.append(Pair(names[a], names[b], count, tuple(shown)))
    return found


def _share(mask: Any) -> float | None:
    return float(np.mean(mask)) if len(mask) else None
