"""A run whose process is killed goes on, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from finetune import checkpoints, config, metrics, train
from finetune.errors import FinetuneError, TrainingError, UnknownRun
from finetune.job import Job
from finetune.registry import opened
from tests.finetune.conftest import SAMPLES

# Two passes, dropout, and a checkpoint after every step: whatever is not restored shows. The
# clock never decides, so both runs have the same learning rates.
PRESET = replace(
    config.load("smoke"),
    epochs=2,
    batch=8,
    learning_rate=2e-2,
    dropout=0.1,
    max_minutes=60,
    save_seconds=0,
)
PROCESS = """
import sys
from pathlib import Path
from finetune import config, train
from finetune.job import Job
from tests.finetune.test_resume import PRESET
config.load = lambda name: PRESET
train.run(Job.from_json(Path(sys.argv[1]).read_text("utf-8")))
"""


def job(home: Path, models: Path, tiny: Path, **changes: object) -> Job:
    wanted = Job(home, models, (SAMPLES / "en-messages.jsonl",), model=str(tiny), name="march")
    return replace(wanted, **changes)  # type: ignore[arg-type]


def losses(home: Path) -> dict[int, float]:
    told = metrics.read(opened(home).folder("march"))
    steps = [m for m in told if m.stage == "training" and m.loss is not None]
    assert [m.step for m in steps] == sorted({m.step for m in steps})  # none twice
    return {m.step: m.loss for m in steps if m.loss is not None}


def killed(wanted: Job, request: Path, step: int) -> None:
    """Make a run in another process and kill it, without a warning, once `step` is done."""
    request.write_text(wanted.to_json(), encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-c", PROCESS, str(request)], cwd=Path.cwd())
    try:
        end = time.monotonic() + 120
        folder = opened(wanted.home).folder("march")
        while max((m.step for m in metrics.read(folder)), default=0) < step:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_killed_run_ends_like_one_that_was_not(
    packaged: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "load", lambda name: PRESET)
    quiet, home = tmp_path / "quiet", tmp_path / "home"
    whole = train.run(job(quiet, packaged, tiny))
    expected = losses(quiet)
    first, second = len(expected) // 4, len(expected) * 3 // 4  # in either pass over the data
    killed(job(home, packaged, tiny), tmp_path / "job.json", first)
    killed(job(home, packaged, tiny, resume="march", name=""), tmp_path / "job.json", second)
    registry = opened(home)
    assert registry.show("march").state == "failed"
    saved = checkpoints.read(registry.folder("march")).checkpoint
    assert saved is not None and second - 1 <= saved.step < len(expected)
    (half := registry.folder("march") / "resume" / "checkpoint-9999").mkdir()  # killed in saving

    run = train.run(Job(home, packaged, (), resume="march"))
    assert run.state == "done" and run.error is None and not half.exists()
    found = losses(home)
    assert found.keys() == expected.keys()
    for step, loss in expected.items():
        assert found[step] == pytest.approx(loss, abs=1e-5), step
    assert run.adapter_loss == pytest.approx(whole.adapter_loss, abs=1e-5)
    assert run.base_loss == whole.base_loss and run.dataset_sha256 == whole.dataset_sha256
    assert not checkpoints.can_resume(registry.folder("march"))
    with pytest.raises(TrainingError, match="nothing to continue from: it is done"):
        train.run(Job(home, packaged, (), resume="march"))


def test_what_cannot_be_continued_is_one_sentence(
    packaged: Path, tiny: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with pytest.raises(UnknownRun, match="no run 'nope'"):
        train.run(Job(home, packaged, (), resume="nope"))
    registry = opened(home)
    registry.reserve("smoke", "early")
    registry.begin("early", "smoke", "base", "0", 1)
    registry.end("early", "failed", "killed")
    for act in (train.run, train.start):
        with pytest.raises((FinetuneError, ChatbotError), match="before its training began"):
            act(Job(home, packaged, (), resume="early"))
    with pytest.raises(TrainingError, match="base model has changed"):
        registry.again("early", "1", 1)
