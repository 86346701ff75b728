"""Turns that run right now, so that a visitor can stop them at once.

The assistant works in a thread of its own: while it waits for a model's first word it yields
nothing, and a generator that runs cannot be closed from outside.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from chatbot.types import Event

AT_ONCE = 24  # turns; more wait for a thread
LOOK = 0.1  # seconds between two looks whether the turn was stopped


class Stopped(Exception):
    """The visitor stopped the turn."""


class Turns:
    """The running turns by visitor."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="turn")
        self._running: dict[str, set[threading.Event]] = {}
        self._lock = threading.Lock()

    def stop(self, visitor: str) -> None:
        """Stop every running turn of this visitor."""
        with self._lock:
            for stopped in self._running.get(visitor, ()):
                stopped.set()

    def busy(self, visitor: str) -> bool:
        """Whether a turn of this visitor runs."""
        with self._lock:
            return visitor in self._running

    def run(self, visitor: str, stream: Iterator[Event]) -> Iterator[Event]:
        """The events of `stream`, until it ends or Stopped is raised within LOOK seconds."""
        box: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        stopped = threading.Event()
        with self._lock:
            self._running.setdefault(visitor, set()).add(stopped)
        try:
            self._threads.submit(_pump, stream, box, stopped)
            while True:
                if stopped.is_set():
                    raise Stopped
                try:
                    item = box.get(timeout=LOOK)
                except queue.Empty:
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stopped.set()  # also when the page was closed: nobody reads on
            self._forget(visitor, stopped)

    def _forget(self, visitor: str, stopped: threading.Event) -> None:
        with self._lock:
            self._running[visitor].discard(stopped)
            if not self._running[visitor]:
                del self._running[visitor]


def _pump(
    stream: Iterator[Event],
    box: queue.SimpleQueue[Event | BaseException | None],
    stopped: threading.Event,
) -> None:
    """Move events from the assistant to the page; a stopped turn ends before its next event."""
    try:
        for event in stream:
            box.put(event)
            if stopped.is_set():
                break
        box.put(None)
    except BaseException as error:  # raised again by the one who reads the box
        box.put(error)
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()  # the assistant's generator tells its engine to stop
