"""Taggers of a team's own slots: exact spans in two languages, time to train and per text.

    ZHIKE_TEST_DATA=... python benchmarks/slots.py [--encoder]

English is RESTAURANTS-8K (all training rows, its test set), with the slots that were asked for
and without them. Chinese is made of CrossWOZ's customers: what an Inform act says is marked where
it stands in the turn, and turns in which it does not are left out; its validation dialogues are
learnt from, its test dialogues measured. `--encoder` measures
the packaged English encoder instead of the CRF (minutes).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from time import thread_time
from typing import Any

from environment import described

from chatbot.crf_tagger import CrfTagger
from chatbot.spans import Span
from finetune import tagger_run
from finetune.registry import Run
from finetune.spans import Marked, read
from finetune.tagger_run import Engine, TaggerJob, measured
from ui.settings import load

Parts = tuple[Path, list[Marked]]  # a file to learn from, texts to measure


def main() -> None:
    data = Path(os.environ["ZHIKE_TEST_DATA"])
    english, chinese = data / "slots/restaurant8k_en", data / "intents/crosswoz_zh"
    engine: Engine = "encoder" if "--encoder" in sys.argv[1:] else "crf"
    with tempfile.TemporaryDirectory() as folder:
        sets: dict[str, Parts] = {
            "restaurants8k": (english / "train_0.json", read(english / "test.json")),
            "crosswoz": _crosswoz(chinese / "user_turns.jsonl", Path(folder)),
        }
        figures = {
            f"{name} {engine}": _measured(Path(folder), engine, *parts)
            for name, parts in sets.items()
        }
    print(described(figures, english, chinese))


def _measured(home: Path, engine: Engine, learnt: Path, texts: list[Marked]) -> dict[str, Any]:
    run = tagger_run.run(TaggerJob(home, load().models, learnt, engine))
    shown: dict[str, Any] = {
        "train_seconds": run.card["seconds"],
        "train": run.card["dataset"]["train"],
        "held_out_f1": run.card["report"]["f1"],
        "test": measured(run, texts),
        "megabytes": round(sum(p.stat().st_size for p in Path(str(run.path)).iterdir()) / 1e6, 2),
    }
    if any(text.context for text in texts):
        shown["test_no_context"] = measured(run, [replace(t, context="") for t in texts])
    if engine == "crf":
        shown["ms"] = _time(run, texts)
    return shown


def _time(run: Run, texts: Sequence[Marked]) -> dict[str, float]:
    """Of the processor, for one text as a turn marks it."""
    tagger, spent = CrfTagger(Path(str(run.path)), str(run.sha256)), []
    for text in texts:
        start = thread_time()
        tagger.mark(text.text)
        spent.append((thread_time() - start) * 1000)
    cuts = quantiles(spent, n=100)
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}


def _crosswoz(path: Path, folder: Path) -> Parts:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    parts: dict[str, list[Marked]] = {"val": [], "test": []}
    for row in rows:
        spans = _informed(row["text"], row["acts"])
        if spans is not None:
            parts[row["split"]].append(Marked(row["text"], spans))
    learnt = folder / "crosswoz.jsonl"
    learnt.write_text("\n".join(map(_line, parts["val"])), "utf-8")
    return learnt, parts["test"]


def _informed(text: str, acts: Sequence[Sequence[str]]) -> tuple[Span, ...] | None:
    """The values that a turn tells, the longest first; None where one is said in other words."""
    found: list[Span] = []
    for act, _, slot, value in sorted(acts, key=lambda act: -len(act[3])):
        if act != "Inform" or value in ("", "none", "是"):
            continue
        start = text.find(value)
        while start >= 0 and any(s.start < start + len(value) and start < s.end for s in found):
            start = text.find(value, start + 1)
        if start < 0:
            return None
        found.append(Span(start, start + len(value), slot))
    return tuple(sorted(found))


def _line(marked: Marked) -> str:
    spans = [{"start": s.start, "end": s.end, "label": s.kind} for s in marked.spans]
    return json.dumps({"text": marked.text, "spans": spans}, ensure_ascii=False)


if __name__ == "__main__":
    main()
