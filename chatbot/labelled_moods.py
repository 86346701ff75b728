"""Labelled moods, to train on and to score on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import ChatbotError
from chatbot.sentiment import FEELINGS, VALUE, serving
from knowledge.language import simplify
from knowledge.types import Embedder

POLARITY = {"angry": "negative"}  # anger is negative; how well it is told apart is counted aside


def read(path: Path) -> list[tuple[str, str]]:
    """(text, label) of a CSV file with the header text,mood or text,label; a label is a feeling or,
    for graded sets, a number. Raises ChatbotError naming file and line."""
    try:
        lines = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ChatbotError(f"{path}: the moods cannot be read ({error}).") from error
    rows = csv.reader(io.StringIO(lines))
    header = [name.strip().lower() for name in next(rows, [])]
    if header[:1] != ["text"] or header[1:2] not in (["mood"], ["label"], ["score"]):
        raise ChatbotError(f"{path}:1: the header must be text,label (or text,score).")
    found = []
    for row in rows:
        if len(row) < 2 or not row[0].strip() or not _label(row[1].strip()):
            raise ChatbotError(
                f"{path}:{rows.line_num}: not a text with a mood. The mood is one of "
                f"{', '.join(FEELINGS)}, or a number."
            )
        found.append((row[0].strip(), row[1].strip()))
    if not found:
        raise ChatbotError(f"{path}: there is no labelled text in it.")
    return found


def _label(label: str) -> bool:
    try:
        return label in FEELINGS or np.isfinite(float(label))
    except ValueError:
        return False


def scores(rows: Sequence[tuple[str, str]], embedder: Embedder) -> dict[str, Any]:
    """Of the packaged model. Labels: {"accuracy"} of negative, neutral and positive, and of anger
    {"anger_recall", "false_alarms"}, shares 0..1; numbers: {"pearson"}. The other keys are None.

    Raises ChatbotError when the packaged model is for another embedder.
    """
    model = serving(embedder.name)
    if model is None:
        raise ChatbotError(f"The packaged moods are not for the embedder {embedder.name}.")
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    chances = model.chances(texts, {"e5": embedder.queries([simplify(text) for text in texts])})
    report: dict[str, Any] = dict.fromkeys(("accuracy", "pearson", "anger_recall", "false_alarms"))
    report |= {"texts": len(rows), "wrong": []}
    if not set(labels) <= set(FEELINGS):
        if set(labels) & set(FEELINGS):
            raise ChatbotError("Some labels are moods, some numbers; use one kind in a file.")
        given = np.array(labels, np.float64)
        report["pearson"] = round(float(np.corrcoef(chances @ VALUE, given)[0, 1]), 4)
        return report
    found = [FEELINGS[i] for i in chances.argmax(1)]
    pairs = [(POLARITY.get(a, a), POLARITY.get(b, b)) for a, b in zip(labels, found, strict=True)]
    report["accuracy"] = round(float(np.mean([a == b for a, b in pairs])), 4)
    alarm = chances[:, FEELINGS.index("angry")] >= model.floor
    angry = np.array([label == "angry" for label in labels])
    if angry.any():
        report["anger_recall"] = round(float(alarm[angry].mean()), 4)
    report["false_alarms"] = round(float(alarm[~angry].mean()), 4) if (~angry).any() else None
    report["wrong"] = [
        {"text": text, "label": label, "found": other}
        for text, label, other, (a, b) in zip(texts, labels, found, pairs, strict=True)
        if a != b
    ]
    return report
