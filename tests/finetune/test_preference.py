"""Preference training for real, on a tiny model: from a run's runner-ups to a run of its own."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chatbot.generation.adapters import check_adapter
from finetune import bounds, config, metrics, preference_tuning, preferences, train
from finetune.best_reply import Rejected
from finetune.errors import DatasetError, NotPromotable, TrainingError, UnknownRun
from finetune.examples import Example
from finetune.job import Job
from finetune.pairs import Pair
from finetune.preferences import Preference, balanced, collect, write
from finetune.registry import Registry, opened
from finetune.retraction import forget
from finetune.tuning import tokenizer_of
from tests.finetune.conftest import SAMPLES

QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=2, samples=0, measured=8)
TRL = importlib.util.find_spec("trl") is not None
needs_trl = pytest.mark.skipif(not TRL, reason="TRL is the extra `preference`")
COLOURS = ("red", "blue", "green", "black", "white", "grey", "amber", "pink", "gold", "teal")


def runners_up(count: int = 40) -> list[Rejected]:
    """Better replies name a colour and a place, worse ones send away; equally long."""
    return [
        Rejected(
            f"Where do I find the {COLOURS[n % 10]} cup number {n}?",
            f"The {COLOURS[n % 10]} cup stands on shelf {n}, next to the door.",
            f"I do not know that, please ask somebody else {n} times.",
            "en",
            f"won{n}",
            f"lost{n}",
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def registry(packaged: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A home with a finished run that kept runner-ups."""
    home = tmp_path_factory.mktemp("preference") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda name: QUICK)
        files = (SAMPLES / "en-messages.jsonl",)
        train.run(Job(home, packaged, files, name="first", model=str(tiny)))
    found = opened(home)
    lines = [
        json.dumps(row.__dict__ if hasattr(row, "__dict__") else _plain(row))
        for row in runners_up()
    ]
    path = found.folder("first") / "dataset" / "rejected.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return found


def _plain(row: Rejected) -> dict[str, str]:
    return {name: getattr(row, name) for name in Rejected.__slots__}


def job(registry: Registry, packaged: Path, tiny: Path, **changes: object) -> Job:
    home = registry.folder("first").parent.parent
    made = Job(home, packaged, (), preference="first", model=str(tiny))
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.slow
@needs_trl
def test_preferences_make_a_run_of_their_own(
    registry: Registry, packaged: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "load", lambda name: QUICK)
    run = train.run(job(registry, packaged, tiny, name="second"))
    told = run.card["preference"]
    assert run.state == "done" and told["start"] == "first" and told["counts"]["runner-ups"] == 40
    assert told["pairs"]["held_out"] > 0 and told["measured_on"] == "held out"
    assert told["margin"] > 0 and told["after"]["chosen"] > told["before"]["chosen"]
    assert told["start_loss"] == pytest.approx(registry.show("first").adapter_loss, rel=1e-3)
    assert abs(math.log(told["tokens"]["chosen"] / told["tokens"]["rejected"])) < 0.2
    seen = metrics.read(registry.folder("second"))
    margins = [metric.margin for metric in seen if metric.margin is not None]
    assert margins[0] == pytest.approx(0, abs=1e-6), "the reference is the adapter's own start"
    assert margins[-1] > 0
    folder = registry.folder("second")
    assert sorted(p.name for p in folder.iterdir()) == ["adapter", "dataset", metrics.FILE]
    card = json.loads((folder / "adapter" / "zhike.json").read_text("utf-8"))
    check_adapter(folder / "adapter", {str(tiny)}, card["template_hash"], run.sha256 or "")
    assert run.sha256 != registry.show("first").sha256
    registry._update("second", adapter_loss=0.1, base_loss=0.2)
    assert registry.promote("second").name == "second"
    assert forget(registry, ["lost3"]) == ("second", "first")  # of both, whatever they learnt
    with pytest.raises(NotPromotable, match="taken back"):
        registry.promote("second")
