"""zhike transcripts: what people see of an export before they train on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.funnel import CODES, Dropped, write
from finetune.registry import opened

from .command import Run, run

__all__ = ["run"]  # a fixture
FILE = "dropped.jsonl"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    rows = [
        {"q": "Do you ship to Spain?", "a": "Yes, in ten to eighteen days.", "csat": 5},
        {"q": "Where is my parcel?", "a": "It left the warehouse yesterday.", "csat": 1},
        {"q": "Can I log in?", "a": "Your password is tea4you77 for now.", "csat": 4},
    ]
    lines = [
        json.dumps(
            {
                "id": f"c{i}",
                "messages": [
                    {"role": "user", "content": row["q"], "time": f"2026-03-0{i + 1}T10:00:00Z"},
                    {"role": "assistant", "content": row["a"]},
                ],
                "csat": row["csat"],
                "agent": "Maya",
            }
        )
        for i, row in enumerate(rows)
    ]
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join([*lines, "{broken"]), encoding="utf-8")
    return path


def test_check_counts_and_stores_nothing(run: Run, home: Path, export: Path) -> None:
    found = run("transcripts", "check", export, "--json").json
    assert found["files"] == [
        {"file": "export.jsonl", "format": "OpenAI messages", "conversations": 3, "columns": {}}
    ]
    assert (found["conversations"], found["turns"], found["agents"]) == (3, 6, 1)
    assert found["speakers"] == {"customer": 3, "agent": 3} and found["languages"] == {"en": 3}
    assert found["first"] == "2026-03-01T10:00:00+00:00" and found["rated"] == 3
    assert [(row["file"], row["line"]) for row in found["bad_rows"]] == [("export.jsonl", 4)]
    removed = {step["code"]: step["removed"] for step in found["funnel"] if step["code"]}
    assert removed == dict.fromkeys(CODES, 0) | {"unhappy": 1, "secret": 1}
    assert not (home / "zhike.db").exists()
    shown = run("transcripts", "check", export).out
    assert "export.jsonl: OpenAI messages, 3 conversations" in shown
    assert "line 4: not valid JSON" in shown and "█" in shown


def test_dropped_rows_are_shown_and_put_back(run: Run, export: Path) -> None:
    (row,) = run("transcripts", "dropped", export, "--reason", "unhappy", "--json").json
    assert row["conversation"] == "c1" and "warehouse" in row["reply"]
    assert row["id"] in run("transcripts", "dropped", export).out
    assert "will be learnt from" in run("transcripts", "keep", row["id"]).out
    left = run("transcripts", "dropped", export, "--json").json
    assert [row["code"] for row in left] == ["secret"]
    run("transcripts", "keep", row["id"], "--undo")
    assert len(run("transcripts", "dropped", export, "--json").json) == 2


def test_the_dropped_rows_of_a_run(run: Run, home: Path) -> None:
    registry = opened(home)
    name = registry.reserve("smoke", "march")
    registry.begin(name, "smoke", "base", "0", 1)
    gone = run("transcripts", "dropped", name)
    assert gone.status == 1 and "this run kept no list of dropped rows" in gone.err
    folder = registry.folder(name) / "dataset"
    folder.mkdir()
    write([Dropped("0123456789ab", "promise", "c1", "en", "why?", "Because.")], folder / FILE)
    assert "0123456789ab  promise: promises what" in run("transcripts", "dropped", name).out
    assert run("transcripts", "dropped", name, "--reason", "abuse", "--json").json == []


def test_a_mapping_is_remembered_by_the_home(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "qa.csv"
    path.write_text("Q,A\nhow long is it?,It takes ten whole days.\n", "utf-8")
    assert run("transcripts", "check", path).status == 1
    given = run("transcripts", "check", path, "--map", "customer=Q", "--map", "agent=A")
    assert "customer=Q, agent=A" in given.out
    assert run("transcripts", "check", path, "--json").json["conversations"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "nosuch.csv"], "nosuch.csv: no such file or folder. Check the path."),
        (["dropped", "nosuch"], "nosuch: neither a file or folder nor a run."),
        (["keep", "xyz"], "'xyz' is not the id of a dropped row"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, arguments: list[str], said: str) -> None:
    done = run("transcripts", *arguments)
    assert done.status == 1 and said in done.err and "Traceback" not in done.err
