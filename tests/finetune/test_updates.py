"""The script of the five updates, on a tiny model."""

from __future__ import annotations

import gzip
import importlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOPICS = ("buses", "hotels", "banks", "music", "films")


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("updates")


def dialogue(topic: str, number: int) -> str:
    said = [
        ("USER", f"Tell me about the {topic} of street {number}, please."),
        ("SYSTEM", f"The {topic} of street {number} open early and have friendly people."),
        ("USER", f"And how many {topic} are there in town {number}?"),
        ("SYSTEM", f"There are some {number + 2} {topic} in that town, all of them good."),
    ]
    turns = [{"speaker": who, "utterance": text, "frames": []} for who, text in said]
    return json.dumps({"dialogue_id": f"{topic}-{number}", "services": [topic], "turns": turns})


def test_gain_and_forgetting_are_shares_of_the_right_losses(updates: Any) -> None:
    losses = [[4.0, 4.0, 4.0], [2.0, 3.0, 4.0], [3.0, 1.5, 4.0], [2.5, 1.8, 2.0]]
    told = updates.told(losses)
    assert told["gain_on_the_new"] == 0.5  # each slice halves its loss when it is learnt
    assert told["forgetting_of_the_old"] == pytest.approx((0.25 + 0.2) / 2)
    drawn = ET.fromstring(updates.picture({"0%": told, "25%": told}))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 4


@pytest.mark.slow
def test_five_updates_of_a_tiny_model(
    updates: Any, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, plot = tmp_path / "dialogues.jsonl.gz", tmp_path / "plot.svg"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(dialogue(topic, n) for topic in TOPICS for n in range(6)))
    options = ["--base", str(tiny), "--replay", "0", "0.25", "--plot", str(plot)]
    updates.main([str(path), "--train", "3", "--held-out", "2", "--rate", "0.02", *options])
    printed = json.loads(capsys.readouterr().out)
    assert printed["data"].keys() == {path.name}
    assert all(train > 0 and held > 0 for train, held in printed["replies"])
    for share in ("0%", "25%"):
        result = printed["replay"][share]
        assert [len(row) for row in result["losses"]] == [5] * 6
        assert result["gain_on_the_new"] > 0
    first = [printed["replay"][share]["losses"][1] for share in ("0%", "25%")]
    assert first[0] == pytest.approx(first[1], abs=0.02), "nothing is replayed in the first update"
    assert plot.read_text("utf-8").count("<polyline") == 4
