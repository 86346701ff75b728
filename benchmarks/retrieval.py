"""Whether search finds the right document: both arms, their fusion, and what history adds.

    python benchmarks/retrieval.py [SET …]

The sets lie in ZHIKE_TEST_DATA (see SOURCE.txt in each); without it only the sample shop is
measured. The same settings for all. Vectors are kept beside the models, so that a second run takes
minutes. aws_docs_en is measured only when named: its 45,749 passages take hours to embed.
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from environment import ROOT, described

from knowledge.evaluate import Query, read, read_beir
from ui.commands.evaluate import search_report
from ui.settings import load

SHOWN = ("recall@1", "recall@5", "recall@10")
PARTS = ("vector", "keyword", "last_turn_alone")
Prepare = Callable[[Path, Path], tuple[Path, list[Query]]]  # data, scratch → corpus, queries


def _samples(_: Path, __: Path) -> tuple[Path, list[Query]]:
    """Calibration questions: those that the documents answer, beside their documents."""
    lines = (ROOT / "samples" / "calibration.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["answerable"]]
    queries = [
        Query(
            row["id"],
            row["question"],
            frozenset(row["documents"]),
            tuple((turn["role"], turn["text"]) for turn in row.get("history", ())),
        )
        for row in rows
    ]
    return ROOT / "samples" / "knowledge", queries


def _followups(language: str) -> Prepare:
    """The calibration questions of one language that follow on others."""

    def prepare(data: Path, scratch: Path) -> tuple[Path, list[Query]]:
        corpus, queries = _samples(data, scratch)
        prefix = f"{language}/"
        here = [q for q in queries if any(d.startswith(prefix) for d in q.documents)]
        return corpus, [q for q in here if q.history]

    return prepare


def _aws(data: Path, scratch: Path) -> tuple[Path, list[Query]]:
    with tarfile.open(data / "docs.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
    return scratch, read(data / "queries.jsonl")


def _beir(data: Path, scratch: Path) -> tuple[Path, list[Query]]:
    return scratch, read_beir(data / "beir", scratch)


def _folder(corpus: str, queries: str) -> Prepare:
    return lambda data, _: (data / corpus, read(data / queries))


SETS: dict[str, tuple[str, Prepare]] = {
    "samples": ("samples", _samples),
    "followups_en": ("samples", _followups("en")),
    "followups_zh": ("samples", _followups("zh")),
    "cmrc_zh": ("cmrc_zh", _beir),
    "swift_zh_to_en": ("swift_docs_zh_en", _folder("docs_en", "queries_zh_to_en.jsonl")),
    "swift_en_to_zh": ("swift_docs_zh_en", _folder("docs_zh", "queries_en_to_zh.jsonl")),
    "mtrag_en": ("mtrag_en", _folder("corpus", "queries.jsonl")),
    "aws_docs_en": ("aws_docs_en", _aws),
}
SLOW = {"aws_docs_en"}


def main() -> None:
    data = Path(os.environ.get("ZHIKE_TEST_DATA", ROOT.parent / "shared" / "data")) / "retrieval"
    names = sys.argv[1:] or [n for n in SETS if n not in SLOW and _there(data, SETS[n][0])]
    figures: dict[str, Any] = {}
    for name in names:
        folder, prepare = SETS[name]
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as scratch:
            corpus, queries = prepare(data / folder, Path(scratch))
            report = search_report(Path(home), corpus, queries, load())
        figures[name] = _row(report)
        print(f"{name}: {figures[name]}", file=sys.stderr)
    used = {SETS[name][0] for name in names} - {"samples"}
    print(described({"sets": figures}, *(data / folder for folder in sorted(used))))


def _there(data: Path, folder: str) -> bool:
    return folder == "samples" or (data / folder).is_dir()


def _row(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "queries": report["queries"],
        "seconds": report["seconds"],
        "fused": {cut: report[cut] for cut in SHOWN},
        **{part: {cut: report[part][cut] for cut in SHOWN} for part in PARTS if part in report},
    }


if __name__ == "__main__":
    main()
