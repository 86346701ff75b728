"""From transcripts to a serving adapter, with a real but tiny model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from chatbot.champions import Champions
from chatbot.errors import NotFound
from chatbot.generation.adapters import check_adapter
from chatbot.prompt import template_hash
from finetune import config, funnel, metrics, train
from finetune.errors import Cancelled, NotPromotable, TrainingError, TranscriptError, UnknownRun
from finetune.job import Job
from finetune.metrics import Metric
from finetune.registry import Run, opened
from finetune.tuning import tokenizer_of
from tests.finetune.conftest import SAMPLES

ENGLISH = (SAMPLES / "en-messages.jsonl",)


# The smoke preset with a learning rate that random weights need.
QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=1, measure_every=0.5)


def job(home: Path, models: Path, tiny: Path, **changes: object) -> Job:
    return replace(Job(home, models, ENGLISH, model=str(tiny)), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def once(packaged: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished run, which no test changes."""
    home = tmp_path_factory.mktemp("once") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda name: QUICK)
        train.run(job(home, packaged, tiny))
    return home


@pytest.fixture
def home(once: Path, tmp_path: Path) -> Path:
    """A copy of it, moved to another place, for one test to change."""
    return Path(shutil.copytree(once, tmp_path / "home"))


@pytest.fixture
def made(home: Path) -> Run:
    return opened(home).list()[0]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return tmp_path / "empty"


@pytest.mark.slow
def test_a_run_leaves_everything_that_its_card_says(made: Run, home: Path, tiny: Path) -> None:
    assert made.state == "done" and made.name.startswith("smoke-") and made.name.endswith("-1")
    assert made.base_loss and made.adapter_loss and made.adapter_loss < made.base_loss
    folder = opened(home).folder(made.name)
    assert sorted(p.name for p in folder.iterdir()) == ["adapter", "dataset", metrics.FILE]
    card = json.loads((folder / "adapter" / "zhike.json").read_text("utf-8"))
    assert card == {
        "name": made.name,
        "base": str(tiny),
        "base_sha256": made.base_sha256,
        "template_hash": template_hash(tokenizer_of(tiny)),
        "dataset_sha256": made.dataset_sha256,
    }
    check_adapter(folder / "adapter", {str(tiny)}, card["template_hash"], made.sha256 or "")
    assert made.card["dataset"]["train"]["replies"] > 50
    dropped = Counter(row.code for row in funnel.read(folder / "dataset" / "dropped.jsonl"))
    steps = made.card["dataset"]["funnel"]
    assert dropped == {s["code"]: s["removed"] for s in steps if s["code"] and s["removed"]}
    assert dropped["unhappy"] and (folder / "dataset" / "rejected.jsonl").exists()
    assert len(made.card["evaluation"]["samples"]) == 1


@pytest.mark.slow
def test_metrics_tell_loss_speed_time_left_and_held_out_loss(made: Run, home: Path) -> None:
    told = metrics.read(opened(home).folder(made.name))
    stages = [metric.stage for metric in told]
    assert stages[0] == "reading" and stages[-1] == "done"
    steps = [metric for metric in told if metric.stage == "training" and metric.step]
    assert [metric.step for metric in steps] == list(range(1, steps[0].steps + 1))
    assert all(m.loss and m.tokens_per_second and m.eta_seconds is not None for m in steps)
    held_out = [metric.held_out_loss for metric in told if metric.held_out_loss is not None]
    assert held_out[0] == made.base_loss and held_out[-1] == made.adapter_loss
    assert len(held_out) >= 3


@pytest.mark.slow
def test_promote_and_roll_back_through_champions(made: Run, home: Path) -> None:
    registry = opened(home)
    champion = registry.promote(made.name, share=0.5)
    serving = Champions(opened(home)._database).current("dialogue")  # as another process reads it
    assert serving == champion and (serving.name, serving.share) == (made.name, 0.5)
    assert serving.path == made.path and serving.sha256 == made.sha256
    assert registry.rollback() is None and registry.serving() is None
    with pytest.raises(NotFound, match="nothing to roll back"):
        registry.rollback()


@pytest.mark.slow
def test_what_may_not_serve(made: Run, home: Path) -> None:
    registry = opened(home)
    with pytest.raises(UnknownRun, match=f"no run 'nope'. Known: {made.name}"):
        registry.promote("nope")
    with pytest.raises(NotPromotable, match="share"):
        registry.promote(made.name, share=0)
    registry._update(made.name, adapter_loss=99.0)
    with pytest.raises(NotPromotable, match="no better than its base"):
        registry.promote(made.name)
    with pytest.raises(NotPromotable, match="needs a reason"):
        registry.promote(made.name, force=True)
    forced = registry.promote(made.name, force=True, reason="a trial of one hour")
    assert forced.name == made.name
    noted = registry.show(made.name).card["forced"]
    assert noted["reason"] == "a trial of one hour" and "no better" in noted["in_spite_of"][0]
    assert made.path
    (Path(made.path) / "zhike.json").write_text("{}", encoding="utf-8")
    with pytest.raises(NotPromotable, match="not those that were trained"):
        registry.promote(made.name, force=True)
    registry.reserve("smoke", "stopped")
    registry.begin("stopped", "smoke", "base", "0", os.getpid())
    registry.end("stopped", "cancelled", "on request")
    with pytest.raises(NotPromotable, match="is cancelled"):
        registry.promote("stopped")


@pytest.mark.slow
def test_the_same_name_again_is_refused(made: Run, home: Path, packaged: Path, tiny: Path) -> None:
    with pytest.raises(TrainingError, match="There is a run"):
        train.run(job(home, packaged, tiny, name=made.name))


def test_mistakes_are_sentences_and_leave_no_running_run(
    empty: Path, packaged: Path, tiny: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        TrainingError, match=r"no preset 'huge'\. Known: default, large, small, smoke"
    ):
        train.run(job(empty, packaged, tiny, preset="huge"))
    with pytest.raises(TranscriptError, match="no such file"):
        train.run(job(empty, packaged, tiny, transcripts=(tmp_path / "gone.csv",)))
    (tmp_path / "a.csv").write_text("nothing", encoding="utf-8")
    with pytest.raises(TranscriptError, match="No conversations found"):
        train.run(job(empty, packaged, tiny, transcripts=(tmp_path / "a.csv",)))
    (failed,) = opened(empty).list()
    assert failed.state == "failed" and "No conversations found" in (failed.error or "")


@pytest.mark.slow
def test_an_interrupt_is_a_cancelled_run(
    monkeypatch: pytest.MonkeyPatch, empty: Path, packaged: Path, tiny: Path
) -> None:
    def interrupt(metric: Metric) -> None:
        if metric.step == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(config, "load", lambda name: QUICK)
    with pytest.raises(Cancelled):
        train.run(job(empty, packaged, tiny), interrupt)
    (run,) = opened(empty).list()
    assert run.state == "cancelled" and not (opened(empty).folder(run.name) / "adapter").exists()


def test_one_run_at_a_time_and_a_dead_one_is_shown_as_failed(
    empty: Path, packaged: Path, tiny: Path
) -> None:
    registry = opened(empty)
    registry.reserve("smoke", "first")
    with FileLock(empty / "runs" / ".lock"):
        registry.begin("first", "smoke", "base", "0", 1)
        assert registry.show("first").state == "running"
        with pytest.raises(TrainingError, match=r"made already \(first\)"):
            train.start(job(empty, packaged, tiny))
    dead = registry.show("first")
    assert dead.state == "failed" and "process ended" in (dead.error or "")


@pytest.fixture
def started(empty: Path, packaged: Path, tiny: Path) -> Iterator[str]:
    """A run of all samples in its own process: long enough to be stopped."""
    wanted = job(empty, packaged, tiny, transcripts=(SAMPLES,), all_languages=True)
    yield train.start(replace(wanted, preset="small"))
    train.cancel(empty)
    _until(empty, lambda: opened(empty).running() is None)


def _until(empty: Path, ready: object, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < end, [run.error for run in opened(empty).list()]
        time.sleep(0.2)


@pytest.mark.slow
def test_a_started_run_lives_in_its_own_process_and_can_be_cancelled(
    started: str, empty: Path
) -> None:
    running = opened(empty).running()
    assert running and running.name == started and running.pid != os.getpid()
    _until(empty, lambda: any(m.step for m in metrics.read(opened(empty).folder(started))))
    assert train.cancel(empty) == started
    _until(empty, lambda: opened(empty).running() is None)
    assert opened(empty).show(started).state == "cancelled"
    assert train.cancel(empty) is None


@pytest.mark.slow
def test_a_killed_run_is_shown_as_failed_and_the_next_may_begin(started: str, empty: Path) -> None:
    running = opened(empty).running()
    assert running and running.pid
    os.kill(running.pid, signal.SIGKILL)
    _until(empty, lambda: opened(empty).show(started).state == "failed")
    with opened(empty).alone():
        pass
