"""Time of one search on both arms, the embedding call left out, beside Haystack and LlamaIndex.

    .venv-peers/bin/python benchmarks/search.py [--data FOLDER] [--questions 200]

`make peers` makes .venv-peers. Each question is asked once, and none was asked before, so nothing
that remembers answers helps; its vector is there already. All give the same number of passages.
The three take turns, question by question; beside the clock stands the processor time, which
other work on the machine disturbs less. The sample shop is searched with the packaged
embedder's vectors and the share of questions is told whose document is among the passages; with
the Markdown pages of Swift's documentation, where they lie in ZHIKE_TEST_DATA, vectors are made
from each text's hash: they cost a search the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before the embedder loads

import numpy as np
from environment import ROOT, described
from peers import SYSTEMS, Made, Remembering, copied, corpora, figures_of, remembering, versions

from knowledge.embedder import PackagedE5
from ui.settings import load

BAR = 0.7  # of the time of the faster of the others
LIMIT = 10  # passages
WARM = 20  # questions that are not timed: imports, tables read at first use


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure searching.")
    parser.add_argument("--data", type=Path, default=None, help="instead of ZHIKE_TEST_DATA")
    parser.add_argument("--questions", type=int, default=200)
    given = parser.parse_args()
    asked = questions(given.questions + WARM)
    figures: dict[str, Any] = {"limit": LIMIT, "peers": versions()}
    sets = corpora(given.data)
    for number, (name, folder) in enumerate(sets.items()):
        real = number == 0
        embedder = remembering(load().models / "vectors") if real else _made()
        figures[name] = measured(folder, embedder, asked, judged=real)
    print(described(figures, *sets.values()))


def _made() -> Remembering:
    return Remembering(Made(PackagedE5()))


def questions(count: int) -> list[dict[str, Any]]:
    """Distinct questions about the sample shop in both languages, shuffled once for all."""
    lines = (ROOT / "samples" / "calibration.jsonl").read_text("utf-8").splitlines()
    rows = {row["question"]: row for row in map(json.loads, lines) if row["answerable"]}
    return random.Random(0).sample(list(rows.values()), min(count, len(rows)))


def measured(
    folder: Path, embedder: Remembering, asked: list[dict[str, Any]], *, judged: bool
) -> dict[str, Any]:
    """Times of each system over one corpus; judged: whether they find the documents, too."""
    found: dict[str, dict[str, Any]] = {}
    systems = {}
    with tempfile.TemporaryDirectory() as scratch:
        copied(folder, Path(scratch) / "files")
        for name, made in SYSTEMS.items():
            home = Path(scratch) / name
            home.mkdir()
            embedder.given.clear()
            systems[name] = made(embedder, home)
            systems[name].add(Path(scratch) / "files")
            systems[name].ready(LIMIT)
            found[name] = figures_of(embedder)
        times: dict[str, list[float]] = {name: [] for name in systems}
        used: dict[str, list[float]] = {name: [] for name in systems}
        right: dict[str, list[bool]] = {name: [] for name in systems}
        for row in asked:
            vector = embedder.queries([row["question"]])
            wanted = {Path(path).name for path in row["documents"]}
            for name, system in systems.items():
                start, busy = time.perf_counter(), time.process_time()
                paths = system.search(row["question"], vector)
                used[name].append(1_000 * (time.process_time() - busy))
                times[name].append(1_000 * (time.perf_counter() - start))
                right[name].append(bool(wanted & {Path(path).name for path in paths}))
    for name, one in found.items():
        p50, p95 = np.quantile(times[name][WARM:], (0.5, 0.95))
        one |= {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2)}
        one["processor_p50_ms"] = round(float(np.median(used[name][WARM:])), 2)
        if judged:
            one["document_among_them"] = round(float(np.mean(right[name][WARM:])), 3)
    return {"questions": len(asked) - WARM, "systems": found, "ratio": ratios(found), "bar": BAR}


def ratios(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Our time over that of the faster of the others."""
    others = [one for name, one in found.items() if name != "zhike"]
    keys = ("p50_ms", "p95_ms", "processor_p50_ms")
    return {k: round(found["zhike"][k] / min(one[k] for one in others), 2) for k in keys}


if __name__ == "__main__":
    main()
