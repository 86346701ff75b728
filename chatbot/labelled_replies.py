"""Scores of the support of replies on pairs that people, or a change on purpose, labelled."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from chatbot.errors import ChatbotError
from chatbot.support import SUPPORTED, containment, support


@dataclass(frozen=True, slots=True)
class Pair:
    """A reply, its passages, and how far people say that they support it."""

    evidence: tuple[str, ...]
    reply: str
    label: float  # 0 or 1; or a graded score, higher is better
    graded: bool
    kind: str = ""  # what was changed, where that was on purpose


def read(path: Path) -> list[Pair]:
    """Pairs of a JSON lines file. Raises ChatbotError naming the line."""
    if not path.is_file():
        raise ChatbotError(f"{path}: there is no such file of pairs.")
    pairs = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            pairs.append(_pair(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ChatbotError(
                f"{path}:{number}: not a pair with evidence (a list of texts), reply, and "
                f"supported or score ({error})."
            ) from error
    if not pairs:
        raise ChatbotError(f"{path}: there is no pair in it.")
    return pairs


def _pair(row: dict[str, Any]) -> Pair:
    graded = "supported" not in row
    evidence = row["evidence"]
    if not isinstance(evidence, list) or not all(isinstance(text, str) for text in evidence):
        raise TypeError("evidence")
    if not isinstance(row["reply"], str):
        raise TypeError("reply")
    label = float(row["score"] if graded else row["supported"])
    if not graded and label not in (0, 1):
        raise ValueError("supported is neither 0 nor 1")
    return Pair(tuple(evidence), row["reply"], label, graded, row.get("kind", ""))


def scores(pairs: Sequence[Pair]) -> dict[str, Any]:
    """auroc and auroc_containment (None for graded pairs), spearman and spearman_containment,
    pairs; for labels of 0 and 1 also f1 of "not supported" and what was found of each kind."""
    labels = np.array([pair.label for pair in pairs])
    ours = np.array([support(pair.evidence, pair.reply)[0] for pair in pairs])
    plain = np.array([containment(pair.evidence, pair.reply) for pair in pairs])
    report: dict[str, Any] = {
        "auroc": None,
        "auroc_containment": None,
        "spearman": _correlation(ours, labels),
        "spearman_containment": _correlation(plain, labels),
        "pairs": len(pairs),
    }
    if not any(pair.graded for pair in pairs):
        report |= {"f1": _f1(ours < SUPPORTED, labels == 0), "found": _found(pairs, ours)}
        if len({*labels.tolist()}) == 2:
            report["auroc"] = round(float(roc_auc_score(labels, ours)), 4)
            report["auroc_containment"] = round(float(roc_auc_score(labels, plain)), 4)
    return report


def _correlation(values: Any, labels: Any) -> float | None:
    if len(set(labels.tolist())) < 2 or len(set(values.tolist())) < 2:
        return None
    return round(float(spearmanr(values, labels).statistic), 4)


def _f1(found: Any, wanted: Any) -> float:
    right = int((found & wanted).sum())
    return round(2 * right / max(int(found.sum() + wanted.sum()), 1), 4)


def _found(pairs: Sequence[Pair], values: Any) -> dict[str, float]:
    """Share of the unsupported replies of each kind that fall below SUPPORTED."""
    kinds: defaultdict[str, list[bool]] = defaultdict(list)
    for pair, value in zip(pairs, values, strict=True):
        if pair.kind and not pair.label:
            kinds[pair.kind].append(bool(value < SUPPORTED))
    return {kind: round(float(np.mean(found)), 4) for kind, found in sorted(kinds.items())}
