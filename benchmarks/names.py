"""The team's own names: what is found in the sample shop's texts, false alarms, and time.

    python benchmarks/names.py

`found` counts over all sample transcripts, moods and golden questions with samples/entities.csv;
`slips` are all that were not written as listed, to be read by a person. With ZHIKE_TEST_DATA:
`elsewhere` counts over three public sets of texts about other things, where whatever is found is
a false alarm. `ms` is for a list of 5,000 made-up names with two spellings each.
"""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from time import perf_counter, thread_time
from typing import Any

from environment import ROOT, described
from wordfreq import top_n_list

from chatbot.listed_names import ListedNames
from chatbot.name_finder import HAN, Name, NameFinder

NAMES = 5_000
WARM = 500  # texts


def main() -> None:
    names = ROOT / "samples" / "entities.csv"
    finder = NameFinder(ListedNames(names).all())
    texts = list(_samples())
    found = [(one, text) for text in texts for one in finder.found(text)]
    shown: dict[str, Any] = {
        "texts": len(texts),
        "found": len(found),
        "slips": [[f.text, f.name.name, text[:60]] for f, text in found if not f.exact],
        **_time(texts),
    }
    if data := os.environ.get("ZHIKE_TEST_DATA"):
        others = list(_elsewhere(Path(data) / "intents"))
        alarms = [one.text for text in others for one in finder.found(text)]
        shown["elsewhere"] = {"texts": len(others), "false_alarms": len(alarms)}
    print(described(shown, names))


def _samples() -> Iterator[str]:
    folder = ROOT / "samples"
    for line in (folder / "golden.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["question"]
    for path in sorted((folder / "transcripts").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            yield from _strings(json.loads(line))
    for path in (
        *sorted((folder / "transcripts").glob("*.csv")),
        *sorted((folder / "moods").glob("*.csv")),
    ):
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (cell for row in csv.reader(file) for cell in row)


def _strings(value: Any) -> Iterator[str]:
    """All texts within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _elsewhere(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*/*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (next(iter(row.values())) for row in csv.DictReader(file))


def _time(texts: list[str]) -> dict[str, float]:
    """Milliseconds to read a list, and of CPU per message, with many names of everyday words."""
    drawn = random.Random(0)
    english = top_n_list("en", 20_000)
    chinese = [w for w in top_n_list("zh", 20_000) if all(map(HAN.match, w))]
    names = [
        Name(
            "product",
            f"{' '.join(drawn.sample(english, 3))} {i}",
            ("".join(drawn.sample(chinese, 3)),),
        )
        for i in range(NAMES)
    ]
    start = perf_counter()
    finder = NameFinder(names)
    read = (perf_counter() - start) * 1000
    for text in texts[:WARM]:  # dictionaries are loaded by the first that need them
        finder.found(text)
    took = []
    for text in texts[WARM:]:
        start = thread_time()
        finder.found(text)
        took.append((thread_time() - start) * 1000)
    cuts = quantiles(took, n=100)
    return {
        "read_ms": round(read),
        "p50_ms": round(cuts[49], 3),
        "p95_ms": round(cuts[94], 3),
        "p99_ms": round(cuts[98], 3),
    }


if __name__ == "__main__":
    main()
