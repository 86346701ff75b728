"""Scores search on labelled queries: does the right document come first, among five, among ten?"""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import KnowledgeError

DEPTH = 100  # passages per ranking, before they are collapsed to documents
CUTS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a query file."""

    id: str
    text: str
    documents: frozenset[str]  # the right ones
    history: tuple[tuple[str, str], ...] = ()  # (role, text), oldest first


def read(path: Path) -> list[Query]:
    """Lines {"id", "text", "documents", "history"?}. Raises KnowledgeError naming file and line."""
    queries = []
    for number, row in _rows(path):
        try:
            history = tuple(
                (m["role"], m.get("text", m.get("content"))) for m in row.get("history", ())
            )
            queries.append(
                Query(str(row["id"]), str(row["text"]), frozenset(row["documents"]), history)
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise KnowledgeError(
                f"{path}:{number}: not a query ({error}). Each line needs id, text and documents."
            ) from error
    if not queries:
        raise KnowledgeError(f"{path}: the file has no queries.")
    return queries


def read_beir(folder: Path, corpus: Path) -> list[Query]:
    """A data set in the layout of BEIR (Thakur et al. 2021); its documents are written to `corpus`.

    Raises KnowledgeError.
    """
    names = {}
    for number, row in _rows(folder / "corpus.jsonl"):
        try:
            name = f"{number:06}.md"
            title = " ".join(str(row.get("title") or "").split())
            text = f"# {title}\n\n{row['text']}\n" if title else f"{row['text']}\n"
            (corpus / name).write_text(text, "utf-8")
            names[str(row["_id"])] = name
        except (KeyError, TypeError, AttributeError) as error:
            raise KnowledgeError(
                f"{folder}/corpus.jsonl:{number}: no document ({error})."
            ) from error
    right: dict[str, set[str]] = {}
    try:
        with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file, delimiter="\t"):
                if float(line["score"]) > 0 and line["corpus-id"] in names:
                    right.setdefault(line["query-id"], set()).add(names[line["corpus-id"]])
        texts = {str(row["_id"]): str(row["text"]) for _, row in _rows(folder / "queries.jsonl")}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(
            f"{folder}: not a data set in BEIR's layout ({error}). It needs corpus.jsonl, "
            "queries.jsonl and qrels/test.tsv."
        ) from error
    return [Query(id_, texts[id_], frozenset(docs)) for id_, docs in right.items() if id_ in texts]


def _rows(path: Path) -> list[tuple[int, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [(n, json.loads(line)) for n, line in enumerate(lines, 1) if line.strip()]
    except (OSError, ValueError) as error:
        raise KnowledgeError(f"{path}: the file cannot be read ({error}).") from error


def scores(queries: Sequence[Query], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """Means over the queries, 0..1, of recall@k, nDCG@10 and MRR@10.

    `found`: documents, best first. recall@k is the share of a query's right documents among the
    first k; gains are binary.
    """
    report: dict[str, float] = {}
    for cut in CUTS:
        report[f"recall@{cut}"] = _mean(
            len(q.documents & set(docs[:cut])) / len(q.documents)
            for q, docs in zip(queries, found, strict=True)
        )
    report["ndcg@10"] = _mean(
        _gain(doc in q.documents for doc in docs[:10]) / _gain([True] * min(len(q.documents), 10))
        for q, docs in zip(queries, found, strict=True)
    )
    report["mrr@10"] = _mean(
        next((1 / rank for rank, doc in enumerate(docs[:10], 1) if doc in q.documents), 0.0)
        for q, docs in zip(queries, found, strict=True)
    )
    return report


def _gain(hits: Iterable[bool]) -> float:
    return sum(hit / math.log2(rank + 1) for rank, hit in enumerate(hits, 1))


def _mean(values: Iterable[float]) -> float:
    return round(statistics.fmean(values), 4)
