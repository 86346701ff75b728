"""A run that trains a tagger: marked texts in, a registered encoder with its report out."""

from __future__ import annotations

import hashlib
import os
import platform
import random
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chatbot.model_files import folder_sha256
from finetune import metrics
from finetune.errors import Cancelled, DatasetError, UnknownRun
from finetune.foundation import Foundation
from finetune.metrics import Metric, Tell
from finetune.registry import Registry, Run, opened
from finetune.spans import Marked, read, scores

ENCODER = "all-MiniLM-L6-v2"  # the packaged one; English
PRESET = "entities"
HELD_OUT = 0.1  # of the texts; the report is about them
MOST = 1_000  # texts held out


@dataclass(frozen=True, slots=True)
class TaggerJob:
    """What a person asks for."""

    home: Path
    models: Path
    data: Path
    encoder: str = ENCODER  # packaged name, folder or pulled hub id
    name: str = ""  # "" numbers it: entities-20260131-1
    epochs: float = 3.0


def run(job: TaggerJob, tell: Tell = lambda metric: None) -> Run:
    """Train in this process and return the run; its card holds the report.

    Raises FinetuneError (also for a second run at the same time), ModelError.
    """
    base = Foundation.of(job.models, job.encoder)
    train, held_out = split(read(job.data))
    registry = opened(job.home)
    with registry.alone():
        name = registry.reserve(PRESET, job.name)
        registry.begin(name, PRESET, base.name, base.sha256, os.getpid())
        try:
            _make(job, name, base, registry, train, held_out, tell)
        except (KeyboardInterrupt, Cancelled):
            registry.end(name, "cancelled", "Cancelled on request.")
            raise Cancelled(f"Run {name} was cancelled.") from None
        except BaseException as error:
            registry.end(name, "failed", str(error) or type(error).__name__)
            raise
    return registry.show(name)


def split(texts: list[Marked]) -> tuple[list[Marked], list[Marked]]:
    """Each text once, a tenth of them held out, always the same ones. Raises DatasetError."""
    once = sorted(set(texts), key=lambda marked: (marked.text, marked.context, marked.spans))
    random.Random(1).shuffle(once)
    count = min(MOST, int(len(once) * HELD_OUT))
    held_out, train = once[:count], once[count:]
    seen = {marked.text for marked in held_out}
    train = [marked for marked in train if marked.text not in seen]  # also in other contexts
    if not any(m.spans for m in held_out) or not any(m.spans for m in train):
        raise DatasetError(f"{len(once)} different texts are too few to learn from. Add more.")
    return train, held_out


def _make(
    job: TaggerJob,
    name: str,
    base: Foundation,
    registry: Registry,
    train: list[Marked],
    held_out: list[Marked],
    tell: Tell,
) -> None:
    import torch

    from finetune import tagger  # torch: slow

    start, folder = time.monotonic(), registry.folder(name)
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)

    def note(stage: str, step: int = 0, steps: int = 0, loss: float | None = None) -> None:
        seconds = round(time.monotonic() - start, 1)
        left = seconds / step * (steps - step) if step else None
        metric = Metric(stage, step, steps, loss, None, left, None, seconds)
        metrics.append(folder, metric)
        tell(metric)

    note("training")
    tagger.train(
        base.folder,
        train,
        folder / "tagger",
        lambda step, steps, loss: note("training", step, steps, loss),
        epochs=job.epochs,
    )
    shutil.rmtree(folder / "work", ignore_errors=True)
    note("measuring")
    report = measured(folder / "tagger", held_out)
    card = {
        "task": "entities",
        "dataset": {"file": job.data.name, "train": len(train), "held_out": len(held_out)},
        "report": report,
        "epochs": job.epochs,
        "seconds": round(time.monotonic() - start, 1),
        "versions": {package: version(package) for package in ("torch", "transformers")}
        | {"python": platform.python_version()},
    }
    digest = hashlib.sha256(job.data.read_bytes()).hexdigest()
    sha256 = folder_sha256(folder / "tagger")
    registry.finish(name, digest, (None, None), sha256, card, "tagger")
    note("done")


def measured(folder: Path, texts: list[Marked]) -> dict[str, Any]:
    """Exact spans of the tagger in `folder` on `texts`: precision, recall, f1, by_type."""
    from finetune.tagger import Tagger  # torch: slow

    return scores([text.spans for text in texts], Tagger(folder).mark(texts))


def trained(registry: Registry, name: str = "") -> Run:
    """The finished tagger of that name, or the newest. Raises UnknownRun."""
    done = [run for run in registry.list() if run.preset == PRESET and run.state == "done"]
    found = next((run for run in done if name in ("", run.name)), None)
    if found is None:
        wanted = f"no finished tagger {name!r}" if name else "no finished tagger yet"
        raise UnknownRun(f"There is {wanted}. Make one: zhike train --task entities --data FILE")
    return found
