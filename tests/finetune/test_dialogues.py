"""The script that measures an adapter on published dialogues: its split, and its shares."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from finetune.pairs import Pair

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dialogues(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("dialogues")


def pair(number: int, question: str, reply: str) -> Pair:
    return Pair(f"talk-{number}", "en", (), question, reply)


def test_held_out_twins_of_what_is_learnt_are_left_out(dialogues: Any) -> None:
    train = [pair(1, "Is the bridge open today?", "The bridge opens at nine in the morning.")]
    same = pair(2, "When can I cross?", "The bridge opens at nine in the morning!")
    other = pair(3, "When can I cross?", "Ferries leave every hour from the western pier.")
    assert dialogues.apart(train, [same, other]) == (other,)
    assert dialogues.pairs_of_twins(train, [same, other]) == [same]
    assert dialogues.apart([], [same, same]) == (same, same)  # among themselves they may be alike


def test_changes_are_shares_of_the_base(dialogues: Any) -> None:
    base = {"loss": 2.0, "chrf": 0.2, "unrelated_loss": 3.0, "scores": [0.1, 0.3]}
    tuned = {"loss": 1.5, "chrf": 0.3, "unrelated_loss": 3.03, "scores": [0.2, 0.4]}
    told = dialogues.beside(base, tuned)
    assert (told["loss"], told["chrf"], told["unrelated_loss"]) == (-0.25, 0.5, 0.01)
    assert told["chrf_difference_95"] == [0.1, 0.1, 0.1]


@pytest.mark.slow
def test_a_tiny_model_goes_all_the_way(
    dialogues: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talks = [
        {
            "dialogue_id": f"d{n}",
            "services": ["boats"],
            "turns": [
                {"speaker": who, "utterance": text, "frames": []}
                for who, text in (
                    ("USER", f"When does ferry {n} to the isle of {'abcdefghij'[n % 10] * 4} go?"),
                    (
                        "SYSTEM",
                        f"Ferry {n} leaves at {n + 3} o'clock from pier {n * 7}, weather {n}.",
                    ),
                )
            ],
        }
        for n in range(1, 13)
    ]
    path = tmp_path / "dialogues.jsonl"
    path.write_text("".join(json.dumps(talk) + "\n" for talk in talks), encoding="utf-8")
    few = ["--train", "6", "--held-out", "3", "--written", "1", "--minutes", "0.05"]
    dialogues.main([str(path), "--tiny", *few, "--out", str(tmp_path / "out.json")])
    kept = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert kept["seed 1"]["replies"] == 6 and kept["held_out"]["twins_left"] == 0
    assert kept["base"] == "random, 3M"
    assert '"dialogues.jsonl"' in capsys.readouterr().out
