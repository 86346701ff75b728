"""Documents per second from files to a base that can be searched, beside Haystack and LlamaIndex.

    .venv-peers/bin/python benchmarks/ingest.py [--data FOLDER] [--passes 3] [--no-embedding]

`make peers` makes .venv-peers. Parsing, splitting, embedding, storing, both search arms built, and
everything on disk at the end. Once with the embedding calls, over the sample shop; then without
them (each text's vector is there already, by the text itself), over the sample shop and over the
Markdown pages of Swift's documentation where they lie in ZHIKE_TEST_DATA. The passes of the three
take turns; each one's best counts, by the clock and by processor time, child processes included.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before the embedder loads

from environment import described
from peers import SYSTEMS, Made, Remembering, copied, corpora, figures_of, versions

from knowledge.embedder import PackagedE5
from knowledge.types import Embedder

BAR = 1.2  # times as many documents per second as the faster of the others


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure adding documents.")
    parser.add_argument("--data", type=Path, default=None, help="instead of ZHIKE_TEST_DATA")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--no-embedding", action="store_true", help="leave the slow part out")
    given = parser.parse_args()
    sets = corpora(given.data)
    packaged = PackagedE5()
    figures: dict[str, Any] = {"passes": given.passes, "peers": versions()}
    if not given.no_embedding:
        name, folder = next(iter(sets.items()))
        figures[f"{name}, with embedding"] = measured(folder, packaged, 1)
    for name, folder in sets.items():
        made = Remembering(Made(packaged))
        figures[f"{name}, embedding left out"] = measured(folder, made, given.passes, made)
    print(described(figures, *sets.values()))


def measured(
    folder: Path, embedder: Embedder, passes: int, given: Remembering | None = None
) -> dict[str, Any]:
    """Figures of each system. given: counts the texts, and sees each once before it counts."""
    counter = given or Remembering(Made(embedder))
    found: dict[str, dict[str, Any]] = {name: {} for name in SYSTEMS}
    with tempfile.TemporaryDirectory() as scratch:
        files = copied(folder, Path(scratch) / "files")
        for number in range(passes + 1):
            for name in SYSTEMS:
                home = Path(scratch) / f"{name}-{number}"
                if number == 0:  # imports, and what is remembered
                    counter.given.clear()
                    once(name, counter, home, Path(scratch) / "files")
                    found[name] = figures_of(counter)
                    continue
                clock, processor = once(name, embedder, home, Path(scratch) / "files")
                best = found[name]
                best["seconds"] = min(best.get("seconds", clock), clock)
                best["processor_s"] = min(best.get("processor_s", processor), processor)
    for one in found.values():
        one["documents_per_s"] = round(files / one["seconds"], 2)
        one["per_processor_s"] = round(files / one["processor_s"], 2)
        one |= {key: round(one[key], 2) for key in ("seconds", "processor_s")}
    return {"documents": files, "systems": found, "ratio": ratios(found), "bar": BAR}


def once(name: str, embedder: Embedder, home: Path, files: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor, to add all files to a new base."""
    home.mkdir()
    system = SYSTEMS[name](embedder, home)
    start, used = time.perf_counter(), _processor()
    system.add(files)
    return time.perf_counter() - start, _processor() - used


def ratios(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Our documents per second over those of the fastest of the others."""
    keys = ("documents_per_s", "per_processor_s")
    others = [one for name, one in found.items() if name != "zhike"]
    return {k: round(found["zhike"][k] / max(one[k] for one in others), 2) for k in keys}


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
