"""`zhike train`, `runs export` and `evaluate slots`: what people type, and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.marked_texts import bookings, write

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
        ["train", "--task", "entities", "--data", "a", "--engine", "crf", "--encoder", "b"],
        ["train", "--task", "entities", "--data", "a", "--engine", "other"],
        ["runs", "export", "a", "--format", "zip", "--out", "b"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.status == 2 and "Usage: zhike" in done.err


def test_a_tagger_from_a_file_to_a_marked_slot(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", bookings("en") + bookings("zh"))
    done = run("train", "--task", "entities", "--data", data, "--name", "slots")
    assert done.status == 0, done.err
    assert "precision  recall" in done.out and "\nparty " in done.out and "\nall " in done.out
    assert "zhike runs promote slots" in done.out
    report = run("evaluate", "slots", "--data", data, "--json").json
    assert report["run"] == "slots" and report["f1"] > 0.9 and report["support"] == 1200
    assert set(report["by_type"]) == {"party", "booked_for"}
    bare = run("evaluate", "slots", "--data", data, "--no-context", "--json")
    assert bare.json == report, "no text of these has a context"
    assert "span F1" in run("runs", "list").out
    assert "\nparty " in run("runs", "show", "slots").out
    assert "marks slots from the next turn on" in run("runs", "promote", "slots").out
    assert run("runs", "list").out.startswith("* slots")
    assert "No tagger serves any more" in run("runs", "rollback", "--task", "entities").out
    assert run("runs", "list").out.startswith("  slots")
    again = run("runs", "rollback", "--task", "entities")
    assert again.status == 1 and "No tagger is promoted" in again.err


def test_what_a_tagger_is_not_for(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", bookings())
    assert run("train", "--task", "entities", "--data", data, "--name", "slots").status == 0
    for arguments in (
        ("runs", "export", "slots", "--format", "merged", "--out", tmp_path / "out"),
        ("runs", "compare", "slots"),
    ):
        refused = run(*arguments)
        assert refused.status == 1 and "Run slots is a tagger" in refused.err
        assert len(refused.err.strip().splitlines()) == 1
    refused = run("runs", "canary", "slots")
    assert refused.status == 1 and "serves all sessions" in refused.err


@pytest.mark.slow
def test_an_encoder_is_measured_and_may_not_serve(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", bookings())
    options = ("--engine", "encoder", "--name", "slots")
    done = run("train", "--task", "entities", "--data", data, *options)
    assert done.status == 0, done.err
    assert "\nall " in done.out and "promote" not in done.out
    assert run("evaluate", "slots", "--data", data, "--json").json["f1"] > 0.5
    refused = run("runs", "promote", "slots", "--force", "--reason", "x")
    assert refused.status == 1 and "only a CRF serves" in refused.err
