"""Old conversations are erased once a day, when `chatbot.retention_days` says after how many."""

from __future__ import annotations

import logging
import threading

from chatbot.app import App

EVERY = 24 * 3600.0  # seconds
log = logging.getLogger(__name__)


class Retention:
    """A thread that erases, at the start and once a day, until it is stopped."""

    def __init__(self, app: App, days: int, every: float = EVERY) -> None:
        """`days`: 0 keeps everything, and no thread runs. `every`: seconds."""
        self._app = app
        self._days = days
        self._every = every
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        if days > 0:
            self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for an erasure that runs."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                gone = self._app.erasure.expire(self._days)
                if gone.sessions:
                    log.info(
                        "%d conversations of more than %d days erased", gone.sessions, self._days
                    )
            except Exception:  # the next day tries again; customers are answered meanwhile
                log.exception("old conversations could not be erased")
            if self._end.wait(self._every):
                return
