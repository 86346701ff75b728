"""What a run reports while it trains: one JSON object a line, read by terminal and desk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FILE = "metrics.jsonl"


@dataclass(frozen=True, slots=True)
class Metric:
    """A moment of a run."""

    stage: str  # reading, searching, measuring, training, sampling, saving, done
    step: int = 0
    steps: int = 0  # in all; 0 = not known yet
    loss: float | None = None  # nats per supervised token of this step
    tokens_per_second: float | None = None  # real tokens, without padding
    eta_seconds: float | None = None  # until the training ends
    held_out_loss: float | None = None  # nats per supervised token; at step 0 that of the base
    seconds: float = 0.0  # since the run began
    margin: float | None = None  # reward of better over worse replies, nats; of preferences only


Tell = Callable[[Metric], None]


def append(folder: Path, metric: Metric) -> None:
    """Add a line; a reader at the same time sees whole lines or an unfinished last one."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(metric)) + "\n")


def read(folder: Path) -> tuple[Metric, ...]:
    """All moments so far; an unfinished last line is left out, a missing file is empty."""
    try:
        text = (folder / FILE).read_text("utf-8")
    except FileNotFoundError:
        return ()
    known = {field.name for field in fields(Metric)}
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    return tuple(Metric(**{k: v for k, v in line.items() if k in known}) for line in lines)


def rewind(folder: Path, step: int) -> float:
    """Forget what came after `step` of the training; seconds since the run began until then."""
    kept = []
    for metric in read(folder):
        if metric.step > step:
            break
        kept.append(metric)
    text = "".join(json.dumps(asdict(metric)) + "\n" for metric in kept)
    new = folder / f"{FILE}.tmp"
    new.write_text(text, encoding="utf-8")
    new.replace(folder / FILE)
    return kept[-1].seconds if kept else 0.0
