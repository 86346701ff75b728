"""Runs from the outside: make one here, start one in its own process, cancel it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from chatbot.errors import ChatbotError
from finetune import checkpoints, config, memory
from finetune.errors import Cancelled, FinetuneError, TrainingError
from finetune.foundation import Foundation
from finetune.job import Job
from finetune.metrics import Metric
from finetune.registry import Registry, Run, opened
from finetune.transcripts import files
from knowledge.errors import KnowledgeError

NICE = 10  # a run yields the processor to customers' questions
START_SECONDS = 60.0  # until the process has entered its run; importing takes about two
# Threads that spin while they wait slow everything on a busy machine threefold.
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "TOKENIZERS_PARALLELISM": "false"}
log = logging.getLogger(__name__)


def run(job: Job, tell: Callable[[Metric], None] = lambda metric: None) -> Run:
    """Make a run in this process and return it.

    `tell` gets every metric as it is written to the run's folder. With `job.resume` an
    interrupted run goes on from its newest checkpoint, as if nothing had happened.
    Raises FinetuneError (also for a second run at the same time), ModelError; a
    KeyboardInterrupt becomes Cancelled.
    """
    registry = opened(job.home)
    if job.resume:
        registry.show(job.resume)  # a run of that name, or who to ask for instead
        job = checkpoints.job_of(registry.folder(job.resume), job)
    preset = config.load(job.preset)
    base = Foundation.of(job.models, job.model, job.revision)
    if job.preference:
        registry.show(job.preference)
        _required()
    elif not job.resume and not job.lessons:
        files(job.transcripts)
    memory.check(base.folder, preset, gpu=_gpu())
    with registry.alone():
        name = job.resume or registry.reserve(preset.name, job.name)
        return _made(job, name, preset, base, registry, tell)


def _required() -> None:
    from finetune import preference_tuning  # torch, see _made

    preference_tuning.required()


def _gpu() -> bool:
    from torch import cuda  # too slow to import for a web server that only starts

    return bool(cuda.is_available())


def _made(
    job: Job,
    name: str,
    preset: config.Preset,
    base: Foundation,
    registry: Registry,
    tell: Callable[[Metric], None],
) -> Run:
    """Whatever happens is entered, so that a list of runs never lies."""
    if job.resume:
        registry.again(name, base.sha256, os.getpid())
    else:
        registry.begin(name, preset.name, base.name, base.sha256, os.getpid())
    try:
        # torch: too slow to import for a web server that only starts
        from finetune import preference_run, recipe

        making = preference_run.make if job.preference else recipe.make
        making(job, name, preset, base, registry, tell)
    except (KeyboardInterrupt, Cancelled):
        registry.end(name, "cancelled", "Cancelled on request.")
        raise Cancelled(f"Run {name} was cancelled.") from None
    except BaseException as error:
        registry.end(name, "failed", str(error) or type(error).__name__)
        raise
    return registry.show(name)


def start(job: Job) -> str:
    """Start a run in its own process at low priority; returns its name once it is entered.

    Its figures are in `metrics.read(registry.folder(name))`, its end in `registry.show(name)`.
    Raises FinetuneError when one is being made already or the process cannot begin.
    """
    registry = opened(job.home)
    if job.resume:
        checkpoints.job_of(registry.folder(job.resume), job)
    else:
        config.load(job.preset)
        if not job.lessons and not job.preference:
            files(job.transcripts)
    with registry.alone():  # refuses at once while another is being made
        pass
    with tempfile.TemporaryDirectory(prefix="zhike-run-") as folder:
        request, output = Path(folder) / "job.json", Path(folder) / "output"
        request.write_text(job.to_json(), encoding="utf-8")
        with output.open("wb") as sink:
            process = _spawned(request, sink)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            entered = [run.name for run in registry.list() if run.pid == process.pid]
            if entered:
                return entered[0]
            if process.poll() is not None:
                break
            time.sleep(0.1)
        lines = output.read_text("utf-8", errors="replace").strip().splitlines()
    process.terminate()
    raise TrainingError(lines[-1] if lines else "The training process did not begin. Try again.")


def _spawned(request: Path, sink: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune.train", str(request)],
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        start_new_session=True,  # Ctrl-C in the server's terminal does not end the run
        env={**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie
    return process


def cancel(home: Path) -> str | None:
    """Ask the run that is being made to stop; its name, or None when there is none."""
    running = opened(home).running()
    if running is None or running.pid is None:
        return None
    try:
        os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        return None
    return running.name


def main(arguments: list[str]) -> int:
    """The training process: a job file in, exit 0 when its run is done."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        run(Job.from_json(Path(arguments[0]).read_text("utf-8")))
    except (FinetuneError, ChatbotError, KnowledgeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise Cancelled("The run was asked to stop.")


if __name__ == "__main__":
    os.environ.update(QUIET)
    sys.exit(main(sys.argv[1:]))
