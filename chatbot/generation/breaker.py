"""A circuit breaker: a server that keeps failing is left alone, so that nobody waits for it.

Nygard, Release It! (2nd edition, 2018), chapter 5.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 3  # requests in a row, their retries counted in
PAUSE = 15.0  # seconds; doubled with every trial that fails
LONGEST = 300.0  # seconds, also of a Retry-After


class Breaker:
    """Closed: every request may go. Open: none may, but one trial after each pause.

    A trial that is never reported, because its customer left, blocks nothing: the next one may go
    after another pause. Thread-safe.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0  # in a row
        self._pause = PAUSE
        self._until: float | None = None  # None: closed
        self._trial = False  # one is on its way
        self.reason = ""  # of the latest failure

    @property
    def open(self) -> bool:
        return self._until is not None

    def wait(self) -> float:
        """Seconds until a request may go; 0: this one may, and when open it is the trial."""
        with self._lock:
            if self._until is None:
                return 0.0
            left = self._until - self._clock()
            if left > 0:
                return left
            self._until, self._trial = self._clock() + self._pause, True
            return 0.0

    def succeeded(self) -> None:
        """The server answered: closed."""
        with self._lock:
            self._failures, self._pause, self._until, self._trial = 0, PAUSE, None, False
            self.reason = ""

    def failed(self, reason: str, pause: float = 0.0) -> None:
        """The server did not answer; `pause` in seconds where it said how long to leave it."""
        with self._lock:
            self.reason = reason
            self._failures += 1
            if self._trial:  # others may fail beside it, which began before it opened
                self._pause, self._trial = min(2 * self._pause, LONGEST), False
            if pause or self._failures >= FAILURES:
                self._until = self._clock() + min(max(self._pause, pause), LONGEST)
