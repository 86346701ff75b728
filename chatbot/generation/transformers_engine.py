"""Any causal language model through transformers, with LoRA adapters, in a process of its own."""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import fmean
from typing import Any, Literal

from chatbot import models as model_store
from chatbot.errors import GenerationError, ModelError
from chatbot.generation.protocol import Generation, Piece, Request, Translation
from chatbot.prompt import chat

logger = logging.getLogger(__name__)
Event = dict[str, Any]  # one JSON line of the worker

WAITING = 4  # requests in line behind the running ones
MAX_CRASHES, CRASH_WINDOW = 5, 300.0  # then it stays down, as a model that cannot run
BACKOFF = (1.0, 2.0, 4.0, 8.0)  # seconds after the first, second, … crash of the window
RECHECK = 5.0  # seconds between two looks for a model that is missing
POLL = 0.05  # seconds until a cancelled request notices


class TransformersGenerator:
    """A few answers side by side, the next ones in a short line; safe from any thread.

    The model lives in a worker process: its threads cannot slow the web server, and when it
    dies, only the running answer is lost. `start()` returns at once; until `ready`, and when
    something is wrong, `stream` raises GenerationError and `status` says why.
    """

    def __init__(
        self,
        models: Path,
        model: str,
        *,
        revision: str = "",
        languages: frozenset[str] | None = None,
        threads: int = 1,
        bits: int = 0,
        engine: Literal["transformers", "openvino"] = "transformers",
    ) -> None:
        """`model` as for `models.find`; `languages` for one whose manifest does not tell them.

        `bits` of its weights: 0 is what the device computes best, 8 needs torchao. `engine`
        runs them: transformers, or OpenVINO on the processor (openvino_model.py).
        `threads` of torch on a CPU: with 2 on a busy 2-core machine an answer took three times
        as long as with 1.
        """
        self._models, self._model, self._revision = models, model, revision
        self._languages = languages
        self._threads, self._bits, self._engine = threads, bits, engine
        self._status = "not started"
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # pending requests, the process and its stdin
        self._numbers = itertools.count(1)
        self._pending: dict[int, SimpleQueue[Event | None]] = {}
        self._line: deque[object] = deque()  # the running requests first
        self._slots = 1  # answers side by side, as the worker tells
        self._lasted: deque[float] = deque(maxlen=8)  # seconds of the last answers
        self._moved = threading.Condition()

    @property
    def name(self) -> str:
        return f"{self._engine}:{Path(self._model).name}"

    @property
    def languages(self) -> frozenset[str]:
        """From the settings, else from the manifest; empty while the model is missing."""
        if self._languages is None:
            try:
                folder = model_store.find(self._models, self._model, self._revision)
            except ModelError:
                return frozenset()
            self._languages = frozenset(model_store.manifest_of(folder).get("languages", []))
        return self._languages

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def status(self) -> str:
        """One phrase for people: "ready", "loading …", or what is wrong and what to do."""
        return self._status

    def start(self) -> None:
        """Load in the background; never raises, whatever is missing."""
        if self._supervisor is None:
            self._status = f"loading {self._model}"
            self._supervisor = threading.Thread(
                target=self._supervise, name="generator", daemon=True
            )
            self._supervisor.start()

    def wait(self, seconds: float) -> bool:
        """Wait until it is ready; False when it is not after `seconds`."""
        return self._ready.wait(seconds)

    def close(self) -> None:
        """End the worker; running requests get a GenerationError."""
        self._closing.set()
        self._kill()
        if self._supervisor is not None:
            self._supervisor.join(timeout=10)
        self._status = "closed"

    # One request

    def stream(self, request: Generation) -> Iterator[Piece]:
        """Pieces end at a word's end; the last one has no text and names engine and adapter."""
        yield from self._pieces(request)

    def translate(self, request: Translation) -> Iterator[Piece]:
        """As `stream`, in the same line."""
        yield from self._pieces(request)

    def _pieces(self, request: Request) -> Iterator[Piece]:
        deadline = time.monotonic() + request.sampling.max_seconds
        with self._turn(request, deadline) as mine:
            stop = "cancelled"
            if mine:
                stop = yield from self._answer(request, deadline)
        adapter = request.adapter.name if request.adapter else None
        yield Piece("", engine=self.name, adapter=adapter, stop=stop)

    def _answer(self, request: Request, deadline: float) -> Generator[Piece, None, str]:
        """The worker's pieces; returns why it stopped."""
        number, events = self._send_request(request, deadline)
        begun = time.monotonic()
        started = written = finished = False
        try:
            while not request.cancelled.is_set():
                if time.monotonic() > deadline:
                    self._require_progress(started, written, request.sampling.max_seconds)
                    return "time"
                try:
                    event = events.get(timeout=POLL)
                except Empty:
                    continue
                if event is None:
                    raise GenerationError(f"The model's process ended: {self._status}.")
                if event["event"] == "started":
                    started = True
                elif event["event"] == "text":
                    written = True
                    yield Piece(event["text"])
                else:
                    finished = True
                    if event["event"] == "error":
                        raise GenerationError(event["reason"])
                    self._lasted.append(time.monotonic() - begun)
                    return str(event["stop"])
            return "cancelled"
        finally:
            self._forget(number, cancel=not finished)

    def _require_progress(self, started: bool, written: bool, seconds: float) -> None:
        """At the time limit: something to keep, else an error; a hung worker is replaced."""
        if not started:
            self._kill()
        if not written:
            raise GenerationError(f"The model wrote nothing within {seconds:g} seconds.")

    @contextmanager
    def _turn(self, request: Request, deadline: float) -> Iterator[bool]:
        """First come, first served; False when the request was cancelled in the line."""
        ticket = object()
        with self._moved:
            if not self.ready:
                raise GenerationError(f"The model is not ready: {self._status}.")
            before = len(self._line)
            if before >= self._slots + WAITING:
                raise GenerationError(f"The model is busy: {before} requests are before this one.")
            wait = self._expected_wait(before)
            if wait > deadline - time.monotonic():
                raise GenerationError(f"The model is busy: it would take about {wait:.0f} seconds.")
            self._line.append(ticket)
        try:
            yield self._wait_for(ticket, request, deadline)
        finally:
            with self._moved:
                self._line.remove(ticket)
                self._moved.notify_all()

    def _expected_wait(self, before: int) -> float:
        """Seconds until a request behind `before` others is written, as the last ones lasted."""
        if before < self._slots or not self._lasted:
            return 0.0
        return fmean(self._lasted) * (before // self._slots + 1)

    def _wait_for(self, ticket: object, request: Request, deadline: float) -> bool:
        with self._moved:
            while ticket not in itertools.islice(self._line, self._slots):
                if request.cancelled.is_set():
                    return False
                if time.monotonic() > deadline:
                    raise GenerationError("The model is busy: it did not get to this request.")
                self._moved.wait(POLL)
        return True

    def _send_request(
        self, request: Request, deadline: float
    ) -> tuple[int, SimpleQueue[Event | None]]:
        sampling = replace(request.sampling, max_seconds=deadline - time.monotonic())
        number, events = next(self._numbers), SimpleQueue[Event | None]()
        with self._lock:
            self._pending[number] = events
            sent = self._write(
                {
                    "op": "answer",
                    "id": number,
                    "chat": chat(request),
                    "adapter": asdict(request.adapter) if request.adapter else None,
                    "sampling": asdict(sampling),
                }
            )
            if not sent:
                del self._pending[number]
                raise GenerationError(f"The model is not ready: {self._status}.")
        return number, events

    def _forget(self, number: int, *, cancel: bool) -> None:
        with self._lock:
            self._pending.pop(number, None)
            if cancel:
                self._write({"op": "cancel", "id": number})

    def _write(self, message: dict[str, object]) -> bool:
        """Under the lock; False when there is no worker to write to."""
        if self._process is None or self._process.stdin is None:
            return False
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    # The worker's life

    def _supervise(self) -> None:
        """Keep a worker running until closed, or until it crashes again and again."""
        crashes = deque[float]()
        while not self._closing.is_set():
            try:
                folder = model_store.find(self._models, self._model, self._revision)
            except ModelError as error:
                self._status = str(error)
                self._closing.wait(RECHECK)
                continue
            try:
                reason = self._run(folder)
            except OSError as error:  # no process could be started
                reason = str(error)
            now = time.monotonic()
            crashes.append(now)
            while now - crashes[0] > CRASH_WINDOW:
                crashes.popleft()
            if self._closing.is_set():
                return
            if len(crashes) >= MAX_CRASHES:
                self._status = f"stopped after {MAX_CRASHES} failures in 5 minutes: {reason}"
                logger.error("%s: %s", self.name, self._status)
                return
            pause = BACKOFF[len(crashes) - 1]
            self._status = f"restarting in {pause:g} s: {reason}"
            logger.warning("%s: %s", self.name, self._status)
            self._closing.wait(pause)

    def _run(self, folder: Path) -> str:
        """One worker from its start to its end; returns why it ended."""
        self._status = f"loading {self._model}"
        command = [
            sys.executable,
            "-P",
            "-m",
            "chatbot.generation.worker",
            str(folder),
            self._model,
            str(self._bits),
            self._engine,
            str(self._models / "openvino"),
        ]
        reason = ""
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment(),
            start_new_session=True,  # Ctrl-C is for the server, which ends the worker itself
        ) as process:
            with self._lock:
                self._process = process
            if self._closing.is_set():
                process.kill()
            assert process.stdout is not None
            for line in process.stdout:
                reason = self._take(line) or reason
            self._ready.clear()
            code = process.wait()
            reason = reason or _ending(code)
            self._status = reason
            with self._lock:
                self._process = None
                for events in self._pending.values():
                    events.put(None)
        return reason

    def _take(self, line: bytes) -> str:
        """Hand an event to its request; returns the reason when the model could not be loaded."""
        if not line.endswith(b"\n"):  # killed while writing
            return ""
        event: Event = json.loads(line)
        if event["event"] == "ready":
            self._status, self._slots = "ready", int(event["slots"])
            self._ready.set()
        elif event["event"] == "failed":
            return str(event["reason"])
        else:
            with self._lock:
                events = self._pending.get(event["id"])
            if events is not None:  # else it was cancelled
                events.put(event)
        return ""

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _environment(self) -> dict[str, str]:
        """Settings that have to be there before torch is imported."""
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, os.environ.get("PYTHONPATH", "")]
        return os.environ | {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "OMP_NUM_THREADS": str(self._threads),
            "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads leave the cores to the web
            "GOMP_SPINCOUNT": "0",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
        }


def _ending(code: int) -> str:
    if code < 0:
        return f"the model's process was ended by {signal.Signals(-code).name}"
    return f"the model's process ended with code {code}"
