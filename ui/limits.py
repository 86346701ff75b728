"""How often one visitor, address or account may do something, and what a crowd is told."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from fastapi import HTTPException

from chatbot.crowd import Crowd
from chatbot.errors import Crowded

MAX_KEYS = 20_000  # the longest unused are forgotten first, about 2 MB


class Limit:
    """At most `times` per `seconds` for each key, counted over a sliding window; thread-safe."""

    def __init__(
        self, times: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.times = times
        self.seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> int:
        """Count one event. 0 when it is allowed, else whole seconds until the next one is."""
        now = self._clock()
        with self._lock:
            seen = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while len(self._seen) > MAX_KEYS:
                self._seen.popitem(last=False)
            while seen and seen[0] <= now - self.seconds:
                seen.popleft()
            if len(seen) < self.times:
                seen.append(now)
                return 0
            if not seen:  # a limit of 0 allows nothing
                return math.ceil(self.seconds)
            return max(1, math.ceil(seen[0] + self.seconds - now))

    def forget(self, key: str) -> None:
        """Start this key anew, e.g. after a right password."""
        with self._lock:
            self._seen.pop(key, None)


def too_many(wait: int) -> HTTPException:
    """The answer to whoever asks too often: to try again in `wait` seconds."""
    again = {"Retry-After": str(wait)}
    return HTTPException(429, f"Too many requests; try again in {wait} s.", again)


def check_crowd(crowd: Crowd) -> None:
    """Raises HTTPException while too many others ask; a stream has no status to say it later."""
    if wait := crowd.wait():
        raise crowded(Crowded(wait))


def crowded(error: Crowded) -> HTTPException:
    """The answer to whoever has to wait."""
    return HTTPException(503, str(error), {"Retry-After": str(error.seconds)})
