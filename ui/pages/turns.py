"""Turns that run right now, so that a visitor can stop them, or go on writing.

The assistant works in a thread of its own: while it waits for a model's first word it yields
nothing, and a generator that runs cannot be closed from outside.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from chatbot.types import Event, Reply, Stage

AT_ONCE = 24  # turns; more wait for a thread
LOOK = 0.1  # seconds between two looks whether the turn was stopped
SETTLE = 0.05  # seconds: nobody sees a step that is shorter, and drawing it takes milliseconds
PATIENCE = 3.0  # seconds that a message waits for the turn that it joins to end
Start = Callable[[tuple[str, ...], threading.Event], Iterator[Event]]


class Stopped(Exception):
    """The visitor stopped the turn."""


class Joined(Exception):
    """The visitor wrote on: the turn of the newer message answers this one too."""


@dataclass(slots=True, eq=False)
class Run:
    """One message and what becomes of it."""

    visitor: str
    session: str
    text: str
    earlier: Run | None = None  # the turn that this message joins
    ended: Literal["", "stopped", "joined"] = ""
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)  # nothing of it comes any more
    replied: bool = False

    def texts(self) -> tuple[str, ...]:
        """Its messages so far, oldest first."""
        return (*self.before(), self.text)

    def before(self) -> tuple[str, ...]:
        """The messages that it goes on with: none when their reply was ready after all."""
        if self.earlier is None or self.earlier.replied:
            return ()
        return self.earlier.texts()

    def end(self, why: Literal["stopped", "joined"]) -> None:
        self.ended = self.ended or why
        self.cancelled.set()


class Turns:
    """The running turns by visitor."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="turn")
        self._running: list[Run] = []
        self._lock = threading.Lock()

    def begin(self, visitor: str, session: str, text: str, longest: int) -> Run:
        """A new turn; one of the same conversation that has no reply yet is joined.

        Together they have at most `longest` characters; else the earlier one goes on by itself.
        """
        with self._lock:
            run = Run(visitor, session, text)
            mine = [r for r in self._running if (r.visitor, r.session) == (visitor, session)]
            latest = mine[-1] if mine else None
            open_ = latest is not None and not latest.ended and not latest.replied
            if latest and open_ and len("\n".join(latest.texts())) + len(text) < longest:
                run.earlier = latest
                latest.end("joined")
            self._running.append(run)
            return run

    def stop(self, visitor: str) -> None:
        """Stop every running turn of this visitor."""
        with self._lock:
            for run in self._running:
                if run.visitor == visitor:
                    run.end("stopped")

    def full(self) -> bool:
        """Whether one more would wait for a thread."""
        with self._lock:
            return len(self._running) >= AT_ONCE

    def busy(self, visitor: str) -> bool:
        """Whether a turn of this visitor runs."""
        with self._lock:
            return any(run.visitor == visitor for run in self._running)

    def events(self, run: Run, start: Start) -> Iterator[tuple[Event, bool]]:
        """The events of the stream that `start` gives for the messages before and the event that
        cancels it; of each whether it is a stage that is over within SETTLE, so that a page need
        not draw it.

        Raises Stopped or Joined within LOOK seconds.
        """
        box: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        held: Stage | None = None
        try:
            self._threads.submit(_pump, run, start, box)
            while True:
                if run.ended:
                    raise Joined if run.ended == "joined" else Stopped
                try:
                    item = box.get(timeout=SETTLE if held else LOOK)
                except queue.Empty:
                    if held:
                        yield held, False
                    held = None
                    continue
                if held:
                    yield held, True
                held = None
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, Stage):
                    held = item
                else:
                    yield item, False
        finally:
            run.end("stopped")  # also when the page was closed: nobody reads on
            with self._lock:
                self._running.remove(run)


def ready(run: Run) -> None:
    """Wait until the turn that this one joins has ended, so that its messages are stored."""
    if run.earlier is not None:
        run.earlier.done.wait(PATIENCE)


def _pump(run: Run, start: Start, box: queue.SimpleQueue[Event | BaseException | None]) -> None:
    """Move events from the assistant to the page; a stopped turn ends before its next event.

    The first event is always taken: behind it the customer's message is stored.
    """
    stream: Iterator[Event] = iter(())
    try:
        ready(run)
        stream = start(run.before(), run.cancelled)
        for event in stream:
            run.replied = run.replied or isinstance(event, Reply)
            box.put(event)
            if run.cancelled.is_set():
                break
        box.put(None)
    except BaseException as error:  # raised again by the one who reads the box
        box.put(error)
    finally:
        run.done.set()
        close = getattr(stream, "close", None)
        if close is not None:
            close()  # the assistant's generator tells its engine to stop
