"""What an interrupted run continues from: its job, its examples, its plan, its newest checkpoint.

All of it lies in the run's folder under `resume` while the run is being made, and goes when it is
done. The texts in it are masked, like those of the run's `dataset`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.types import Message
from finetune.dataset import Dataset
from finetune.errors import TrainingError
from finetune.examples import Example
from finetune.job import Job
from finetune.pairs import Pair

FOLDER = "resume"
PROGRESS = "progress.json"  # written last: a checkpoint without it is not whole
KEPT = 2  # the newest may be unfinished when the process is killed


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided and measured before the first step."""

    base_loss: float  # nats per supervised token, held out
    budget: float  # seconds of training
    start_loss: float | None = None  # of the adapter that it begins with


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment of the training that is whole on disk."""

    folder: Path
    step: int
    elapsed: float  # seconds of training until then
    tokens: int  # real ones, seen until then


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Everything that a run needs to go on as if nothing had happened."""

    data: Dataset
    plan: Plan
    checkpoint: Checkpoint | None  # None: killed before the first one


def keep(run: Path, job: Job, data: Dataset, plan: Plan) -> Path:
    """Write what does not change any more, at once or not at all; returns the folder."""
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=run) as staging:
        built = Path(staging) / FOLDER
        built.mkdir()
        (built / "job.json").write_text(job.to_json(), encoding="utf-8")
        (built / "plan.json").write_text(json.dumps(asdict(plan)), encoding="utf-8")
        card = json.dumps(data.card, ensure_ascii=False)
        (built / "card.json").write_text(card, encoding="utf-8")
        for side, examples in (("train", data.train), ("held_out", data.held_out)):
            _write(built / f"{side}.jsonl", examples)
        built.rename(run / FOLDER)
    return run / FOLDER


def whole(folder: Path, elapsed: float, tokens: int) -> None:
    """Mark a checkpoint that has been written as one to continue from."""
    mark = folder / f"{PROGRESS}.tmp"
    mark.write_text(json.dumps({"elapsed": elapsed, "tokens": tokens}), encoding="utf-8")
    mark.replace(folder / PROGRESS)


def can_resume(run: Path) -> bool:
    """Whether there is something to continue from."""
    return (run / FOLDER / "job.json").is_file()


def job_of(run: Path, asked: Job) -> Job:
    """The job of an interrupted run, in the home and with the models of `asked`.

    Raises TrainingError when the run had not begun to train.
    """
    if not can_resume(run):
        raise TrainingError(
            f"Run {run.name} has nothing to continue from: it is done, or ended before its "
            "training began. Train again."
        )
    saved = Job.from_json((run / FOLDER / "job.json").read_text("utf-8"))
    return replace(saved, home=asked.home, models=asked.models, resume=run.name)


def read(run: Path) -> Interrupted:
    """What `keep` wrote, with the newest whole checkpoint; unfinished ones are deleted."""
    folder = run / FOLDER
    card = json.loads((folder / "card.json").read_text("utf-8"))
    plan = Plan(**json.loads((folder / "plan.json").read_text("utf-8")))
    train, held_out = (tuple(_examples(folder / f"{s}.jsonl")) for s in ("train", "held_out"))
    return Interrupted(Dataset(train, held_out, card["sha256"], card), plan, _newest(folder))


def drop(run: Path) -> None:
    """The run is done."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)


def _newest(folder: Path) -> Checkpoint | None:
    found = []
    for path in folder.glob("checkpoint-*"):
        if not (path / PROGRESS).is_file():
            shutil.rmtree(path)
            continue
        values = json.loads((path / PROGRESS).read_text("utf-8"))
        found.append(Checkpoint(path, int(path.name.split("-")[1]), **values))
    return max(found, key=lambda checkpoint: checkpoint.step, default=None)


def _write(path: Path, examples: Iterable[Example]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _examples(path: Path) -> Iterator[Example]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row: dict[str, Any] = json.loads(line)
            history = tuple(Message(**message) for message in row["pair"]["history"])
            pair = Pair(**row["pair"] | {"history": history})
            yield Example(**row | {"pair": pair, "ids": tuple(row["ids"])})
