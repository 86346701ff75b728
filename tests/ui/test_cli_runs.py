"""`zhike train`, `runs export` and `evaluate slots`: what people type, and what they are told."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from .command import Run, run

__all__ = ["run"]  # fixture


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--resume", "gone"], "There is no run 'gone'"),
        (["runs", "export", "gone", "--format", "peft", "--out", "x"], "There is no run 'gone'"),
        (["evaluate", "slots", "--data", "x"], "no finished tagger yet"),
        (["train", "--task", "entities", "--data", "gone.conll"], "gone.conll: cannot be read"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_what_is_not_there_is_one_sentence(run: Run, arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.status == 1 and words in done.err
    assert len(done.err.strip().splitlines()) == 1 and "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "--transcripts", "a", "--resume", "b"],
        ["train", "--task", "entities"],
        ["train", "--task", "entities", "--data", "a", "--transcripts", "b"],
        ["runs", "export", "a", "--format", "zip", "--out", "b"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.status == 2 and "Usage: zhike" in done.err


@pytest.mark.slow
def test_a_tagger_from_a_file_to_its_scores(run: Run, tmp_path: Path) -> None:
    data, chance = tmp_path / "data.conll", random.Random(5)
    names, lines = ("Anna", "Bo", "Chen", "Dora"), []
    for _ in range(500):
        first, second = chance.choice(names), chance.randint(10, 99)
        lines += [f"{first}\tB-name", "comes\tO", "at\tO", f"{second}\tB-time"]
        lines += [f"with\tO\n{chance.randint(100, 999)}\tO\n"]
    data.write_text("\n".join(lines), encoding="utf-8")
    done = run("train", "--task", "entities", "--data", data, "--name", "slots")
    assert done.status == 0, done.err
    assert "precision  recall" in done.out and "\nname " in done.out and "\nall " in done.out
    scored = run("evaluate", "slots", "--data", data, "--json")
    report = json.loads(scored.out)
    assert report["run"] == "slots" and report["f1"] > 0.9
    assert set(report["by_type"]) == {"name", "time"} and report["support"] == 1000
    assert "span F1" in run("runs", "list").out
    assert "\nname " in run("runs", "show", "slots").out
    refused = run("runs", "promote", "slots", "--force")
    assert refused.status == 1 and "is a tagger" in refused.err
    exported = run("runs", "export", "slots", "--format", "merged", "--out", tmp_path / "out")
    assert exported.status == 1 and "is a tagger" in exported.err
