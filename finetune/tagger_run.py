"""A run that trains a tagger: marked texts in, a registered CRF or encoder with its report out."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from chatbot.crf_tagger import CrfTagger, Lookup
from chatbot.errors import ChatbotError, ModelError
from chatbot.listed_names import FILE, ListedNames
from chatbot.model_files import folder_sha256
from chatbot.spans import Span
from finetune import crf_training, metrics
from finetune.errors import Cancelled, DatasetError, FinetuneError, TrainingError, UnknownRun
from finetune.foundation import Foundation
from finetune.metrics import Metric, Tell
from finetune.registry import Registry, Run, opened
from finetune.spans import Marked, read, scores
from knowledge.errors import KnowledgeError

Engine = Literal["crf", "encoder"]
ENCODER = "all-MiniLM-L6-v2"  # the packaged one; English
PRESET = "entities"
HELD_OUT = 0.1  # of the texts; the report is about them
MOST = 1_000  # texts held out
NICE = 10  # in a process of its own: customers come first
PACKAGES: dict[Engine, tuple[str, ...]] = {
    "crf": ("python-crfsuite",),
    "encoder": ("torch", "transformers"),
}


@dataclass(frozen=True, slots=True)
class TaggerJob:
    """What a person asks for."""

    home: Path
    models: Path
    data: Path
    engine: Engine = "crf"
    encoder: str = ENCODER  # packaged name, folder or pulled hub id; of that engine only
    name: str = ""  # "" numbers it: entities-20260131-1
    epochs: float = 3.0  # of the encoder


def run(job: TaggerJob, tell: Tell = lambda metric: None) -> Run:
    """Train in this process and return the run; its card holds the report.

    Raises FinetuneError (also for a second run at the same time), ChatbotError.
    """
    base = Foundation.of(job.models, job.encoder) if job.engine == "encoder" else None
    train, held_out = split(read(job.data))
    registry = opened(job.home)
    with registry.alone():
        name = registry.reserve(PRESET, job.name)
        registry.begin(
            name, PRESET, base.name if base else "CRF", base.sha256 if base else "", os.getpid()
        )
        try:
            _make(job, name, base, registry, train, held_out, tell)
        except (KeyboardInterrupt, Cancelled):
            registry.end(name, "cancelled", "Cancelled on request.")
            raise Cancelled(f"Run {name} was cancelled.") from None
        except BaseException as error:
            registry.end(name, "failed", str(error) or type(error).__name__)
            raise
    return registry.show(name)


def start(job: TaggerJob) -> Run:
    """Make a run in a process of its own, at low priority, and wait for its end.

    Raises TrainingError with what that process said when it did not end well.
    """
    before = {run.name for run in opened(job.home).list()}
    table = json.dumps(asdict(job), default=str)
    process = subprocess.run(
        [sys.executable, "-m", "finetune.tagger_run", table],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    made = [run for run in opened(job.home).list() if run.name not in before]
    done = next((run for run in made if run.preset == PRESET and run.state == "done"), None)
    if process.returncode or done is None:
        lines = process.stderr.strip().splitlines()
        raise TrainingError(lines[-1] if lines else "The training process ended without a word.")
    return done


def main(arguments: list[str]) -> int:
    """The training process: a job as JSON in, exit 0 when its run is done."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    table = json.loads(arguments[0])
    paths = {key: Path(table[key]) for key in ("home", "models", "data")}
    try:
        run(TaggerJob(**table | paths))
    except (FinetuneError, ChatbotError, KnowledgeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


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
    base: Foundation | None,
    registry: Registry,
    train: list[Marked],
    held_out: list[Marked],
    tell: Tell,
) -> None:
    start, folder = time.monotonic(), registry.folder(name)

    def note(stage: str, step: int = 0, steps: int = 0, loss: float | None = None) -> None:
        seconds = round(time.monotonic() - start, 1)
        left = seconds / step * (steps - step) if step else None
        metric = Metric(stage, step, steps, loss, None, left, None, seconds)
        metrics.append(folder, metric)
        tell(metric)

    def learning(step: int, steps: int, loss: float) -> None:
        note("training", step, steps, loss)

    out, lookup = folder / "tagger", lookup_of(job.home)
    note("training")
    if base is None:
        crf_training.train(train, out, learning, lookup=lookup)
    else:
        _tune(base, train, out, learning, job.epochs)
    note("measuring")
    sha256 = folder_sha256(out)
    card: dict[str, Any] = {
        "task": "entities",
        "engine": job.engine,
        "dataset": {"file": job.data.name, "train": len(train), "held_out": len(held_out)},
        "report": _scored(job.engine, out, sha256, held_out, lookup),
        "seconds": round(time.monotonic() - start, 1),
        "versions": {package: version(package) for package in PACKAGES[job.engine]}
        | {"python": platform.python_version()},
    }
    if base is not None:
        card["epochs"] = job.epochs
    digest = hashlib.sha256(job.data.read_bytes()).hexdigest()
    registry.finish(name, digest, (None, None), sha256, card, "tagger")
    note("done")


def _tune(
    base: Foundation,
    texts: list[Marked],
    out: Path,
    tell: crf_training.Told,
    epochs: float,
) -> None:
    import torch

    from finetune import tagger  # torch: slow

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    tagger.train(base.folder, texts, out, tell, epochs=epochs)
    shutil.rmtree(out.with_name("work"), ignore_errors=True)


def lookup_of(home: Path) -> Lookup:
    """Finds the names of the team's list, where a home has one."""
    return ListedNames(home / FILE).spans


def measured(run: Run, texts: list[Marked], lookup: Lookup = lambda text: ()) -> dict[str, Any]:
    """Exact spans of a finished tagger on `texts`: precision, recall, f1, by_type.

    Raises ModelError when its files are not those that were trained.
    """
    folder, sha256 = Path(str(run.path)), str(run.sha256)
    return _scored(engine_of(run), folder, sha256, texts, lookup)


def engine_of(run: Run) -> Engine:
    """Of a tagger; those from before there was a CRF are encoders."""
    return "crf" if run.card.get("engine") == "crf" else "encoder"


def _scored(
    engine: Engine, folder: Path, sha256: str, texts: list[Marked], lookup: Lookup
) -> dict[str, Any]:
    expected = [text.spans for text in texts]
    return scores(expected, _marked(engine, folder, sha256, texts, lookup))


def _marked(
    engine: Engine, folder: Path, sha256: str, texts: list[Marked], lookup: Lookup
) -> Sequence[tuple[Span, ...]]:
    if engine == "crf":
        crf = CrfTagger(folder, sha256, lookup)
        return [crf.mark(text.text, text.context) for text in texts]
    if not folder.is_dir() or folder_sha256(folder) != sha256:
        raise ModelError(
            f"{folder}: its files are not those that were trained. Restore them or train again."
        )
    from finetune.tagger import Tagger  # torch: slow

    return Tagger(folder).mark(texts)


def trained(registry: Registry, name: str = "") -> Run:
    """The finished tagger of that name, or the newest. Raises UnknownRun."""
    done = [run for run in registry.list() if run.preset == PRESET and run.state == "done"]
    found = next((run for run in done if name in ("", run.name)), None)
    if found is None:
        wanted = f"no finished tagger {name!r}" if name else "no finished tagger yet"
        raise UnknownRun(f"There is {wanted}. Make one: zhike train --task entities --data FILE")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
