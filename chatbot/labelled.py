"""Scores of language and personal data on labelled texts."""

from __future__ import annotations

import csv
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.language import spoken
from chatbot.personal_data import Span, find


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text and the language that a person would answer it in."""

    text: str
    language: str
    second: str = ""  # of a mixed text, where it was labelled
    configured: tuple[str, ...] = ()  # languages of the shop, when not the default ones
    session: str | None = None  # language of the conversation before

    @property
    def held_out(self) -> bool:
        """A fixed third, not looked at while the detector was written."""
        return zlib.crc32(self.text.encode()) % 3 == 0


def utterances(path: Path) -> list[Utterance]:
    """Read CSV with columns text, language and optionally second, configured, session."""
    if not path.is_file():
        raise ChatbotError(f"{path}: there is no such file of labelled texts.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"text", "language"} <= {*(rows.fieldnames or ())}:
            raise ChatbotError(f"{path}: the first line must name the columns text and language.")
        try:
            return [
                Utterance(
                    row["text"],
                    row["language"],
                    row.get("second") or "",
                    tuple((row.get("configured") or "").split()),
                    row.get("session") or None,
                )
                for row in rows
            ]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ChatbotError(f"{path}: not a CSV file in UTF-8 ({error}).") from error


def languages(rows: Sequence[Utterance], configured: Sequence[str]) -> dict[str, Any]:
    """accuracy 0..1, by_language, second (share of labelled second languages found), wrong."""
    right, total, mixed, wrong = Counter[str](), Counter[str](), [], []
    for row in rows:
        found = spoken(row.text, row.configured or configured, row.session)
        total[row.language] += 1
        right[row.language] += found.main == row.language
        if found.main != row.language:
            wrong.append({"text": row.text, "language": row.language, "found": found.main})
        if row.second:
            mixed.append(found.second == row.second)
    return {
        "accuracy": round(sum(right.values()) / max(len(rows), 1), 4),
        "rows": len(rows),
        "by_language": {code: round(right[code] / total[code], 4) for code in sorted(total)},
        "second": round(sum(mixed) / len(mixed), 4) if mixed else None,
        "wrong": wrong,
    }


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and the personal data in it."""

    text: str
    spans: tuple[Span, ...]


def marked(path: Path) -> list[Marked]:
    """Read JSON lines {"text": …, "spans": [{"kind", "start", "end"}]}; offsets in characters."""
    if not path.is_file():
        raise ChatbotError(f"{path}: there is no such file of marked texts.")
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            spans = tuple(Span(s["kind"], s["start"], s["end"]) for s in row["spans"])
            if not all(0 <= s.start < s.end <= len(row["text"]) for s in spans):
                raise ValueError("a span lies outside the text")
            found.append(Marked(row["text"], spans))
        except (ValueError, KeyError, TypeError) as error:
            raise ChatbotError(f"{path} line {number}: not text and spans ({error}).") from error
    return found


def personal(rows: Iterable[Marked], kinds: frozenset[str] | None = None) -> dict[str, Any]:
    """precision, recall, f1 of exact spans, 0..1, over all and by_type; `kinds` None counts all."""
    hits, wanted, got = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        truth = {s for s in row.spans if kinds is None or s.kind in kinds}
        found = {s for s in find(row.text) if kinds is None or s.kind in kinds}
        wanted.update(s.kind for s in truth)
        got.update(s.kind for s in found)
        hits.update(s.kind for s in truth & found)
    by_type = {
        kind: _scores(hits[kind], got[kind], wanted[kind]) | {"rows": wanted[kind]}
        for kind in sorted({*wanted, *got})
    }
    return _scores(hits.total(), got.total(), wanted.total()) | {"by_type": by_type}


def _scores(hits: int, found: int, wanted: int) -> dict[str, Any]:
    """1.0 where nothing was there to be found, or nothing was said."""
    precision = hits / found if found else 1.0
    recall = hits / wanted if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}
