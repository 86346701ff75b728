"""Texts in which spans are marked: read from CoNLL columns or JSON, and compared exactly."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.spans import Span
from finetune.errors import DatasetError

LONGEST_KIND = 64  # characters


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with its spans; `context` is what is known beforehand, e.g. which slot was asked."""

    text: str
    spans: tuple[Span, ...]
    context: str = ""


def read(path: Path) -> list[Marked]:
    """All texts of a file: CoNLL (a word and its BIO tag a line) or JSON, a list or lines.

    A JSON row is {"text", "spans": [{"start", "end", "label"}]} or one of RESTAURANTS-8K.
    Raises DatasetError naming the place.
    """
    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}).") from error
    first = content.lstrip()[:1]
    found = list(_json(content, path) if first in ("[", "{") else _conll(content, path))
    if not any(marked.spans for marked in found):
        raise DatasetError(f"{path}: no marked span found. Use CoNLL columns or JSON with spans.")
    return found


def _json(content: str, path: Path) -> Iterator[Marked]:
    try:
        rows = json.loads(content)
        rows = rows if isinstance(rows, list) else [rows]
    except ValueError:
        rows = []
        for number, line in enumerate(content.splitlines(), 1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except ValueError as error:
                raise DatasetError(f"{path}: line {number} is not JSON ({error}).") from error
    for number, row in enumerate(rows, 1):
        try:
            yield _row(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DatasetError(
                f"{path}: row {number} is not a text with spans ({type(error).__name__}: {error})."
            ) from error


def _row(row: dict[str, Any]) -> Marked:
    if "userInput" in row:  # RESTAURANTS-8K; a start of 0 is left out there
        text, spans = row["userInput"]["text"], row.get("labels", [])
        context = " ".join(row.get("context", {}).get("requestedSlots", []))
        values = [(s["valueSpan"], s["slot"]) for s in spans]
        raw = [(v.get("startIndex", 0), v["endIndex"], kind) for v, kind in values]
    else:
        text, context = row["text"], str(row.get("context", ""))
        raw = [(s["start"], s["end"], s["label"]) for s in row.get("spans", [])]
    return Marked(text, tuple(sorted(_span(text, *span) for span in raw)), context)


def _span(text: str, start: int, end: int, kind: str) -> Span:
    inside = text[start:end].strip()
    if not 0 <= start < end <= len(text) or not inside:
        raise ValueError(f"span {start}–{end} is not inside the text")
    kind = " ".join(str(kind).split())
    if not kind or not kind.isprintable() or len(kind) > LONGEST_KIND:
        raise ValueError(f"a label has 1 to {LONGEST_KIND} printable characters")
    start += len(text[start:end]) - len(text[start:end].lstrip())
    return Span(start, start + len(inside), kind)


def _conll(content: str, path: Path) -> Iterator[Marked]:
    words: list[tuple[str, str]] = []
    for number, line in enumerate([*content.splitlines(), ""], 1):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                yield joined(words)
            words = []
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        tag = columns[-1].strip()
        if len(columns) < 2 or not (tag == "O" or tag[:2] in ("B-", "I-")):
            raise DatasetError(
                f"{path}: line {number} is not a word with a BIO tag: {line[:40]!r}."
            )
        words.append((columns[0].strip(), tag))


def joined(words: Sequence[tuple[str, str]]) -> Marked:
    """Words with BIO tags as one text, a space between two; I without its B begins a span."""
    text = ""
    spans: list[Span] = []
    before = "O"
    for word, tag in words:
        start = len(text) + bool(text)
        text = f"{text} {word}" if text else word
        kind = tag[2:]
        if tag.startswith("I-") and before[2:] == kind:
            spans[-1] = Span(spans[-1].start, len(text), kind)
        elif kind:
            spans.append(Span(start, len(text), kind))
        before = tag
    return Marked(text, tuple(spans))


def scores(expected: Iterable[Iterable[Span]], found: Iterable[Iterable[Span]]) -> dict[str, Any]:
    """Exact spans: precision, recall and f1 (0..1) over all, and `by_type` with `support`."""
    counts: dict[str, Counter[str]] = {}
    for wanted, given in zip(expected, found, strict=True):
        wanted, given = set(wanted), set(given)
        for name, part in (("right", wanted & given), ("wanted", wanted), ("given", given)):
            for span in part:
                counts.setdefault(span.kind, Counter())[name] += 1
    total = sum(counts.values(), Counter())
    by_type = {kind: _ratio(counts[kind]) for kind in sorted(counts)}
    return _ratio(total) | {"by_type": by_type}


def _ratio(count: Counter[str]) -> dict[str, Any]:
    precision = count["right"] / count["given"] if count["given"] else 0.0
    recall = count["right"] / count["wanted"] if count["wanted"] else 0.0
    both = precision + recall
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / both, 4) if both else 0.0,
        "support": count["wanted"],
    }
