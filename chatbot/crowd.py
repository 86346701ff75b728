"""How many turns are worked on at once, so that a crowd is told to wait and nobody hangs."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean

from chatbot.errors import Crowded

# More turns than cores only slow each other; two for each keep the cores busy over disk waits.
AT_ONCE = 2 * (os.cpu_count() or 1)
PATIENCE = 2.0  # seconds that a turn may wait for its place
WAITING = 16  # turns in line at most: each holds a thread of the server, which has 40


class Place:
    """A turn's place among those that are worked on; left at most once."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd: Crowd | None = crowd
        self._since = time.monotonic()

    def leave(self) -> None:
        """Let the next one in; again it does nothing."""
        crowd, self._crowd = self._crowd, None
        if crowd is not None:
            crowd._left(time.monotonic() - self._since)


class Crowd:
    """First come, first served; safe from any thread."""

    def __init__(
        self, at_once: int = AT_ONCE, patience: float = PATIENCE, waiting: int = WAITING
    ) -> None:
        """`at_once` turns are worked on, `waiting` more stand in line for `patience` seconds."""
        self._at_once, self._patience, self._most = at_once, patience, waiting
        self._moved = threading.Condition()
        self._running = 0
        self._line: deque[object] = deque()
        self._took: deque[float] = deque([0.1], maxlen=32)  # seconds of the last turns

    def wait(self) -> int:
        """Whole seconds after which to try again; 0 when there is, or soon will be, a place."""
        with self._moved:
            return self._full()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Hold a place. Raises Crowded, at once or after `patience` seconds in line."""
        place = self._enter()
        try:
            yield place
        finally:
            place.leave()

    def _enter(self) -> Place:
        ticket = object()
        with self._moved:
            if seconds := self._full():
                raise Crowded(seconds)
            self._line.append(ticket)
            try:
                if not self._moved.wait_for(lambda: self._mine(ticket), self._patience):
                    raise Crowded(max(1, math.ceil(self._expected())))
            finally:
                self._line.remove(ticket)
                self._moved.notify_all()
            self._running += 1
        return Place(self)

    def _mine(self, ticket: object) -> bool:
        return self._running < self._at_once and self._line[0] is ticket

    def _full(self) -> int:
        if self._running < self._at_once and not self._line:
            return 0
        expected = self._expected()
        full = len(self._line) >= self._most or expected > self._patience
        return max(1, math.ceil(expected)) if full else 0

    def _expected(self) -> float:
        """Seconds until whoever comes now has a place."""
        free = self._at_once - self._running
        before = len(self._line) + 1 - free
        return max(0, before) * fmean(self._took) / self._at_once

    def _left(self, seconds: float) -> None:
        with self._moved:
            self._running -= 1
            self._took.append(seconds)
            self._moved.notify_all()
