"""The thread that sends what waits in the outbox, until the server stops.

What it had not sent, or did not hear back of, is sent at the next start: a receiver may get an
event twice, under the same webhook-id, and never misses one that is still tried.
"""

from __future__ import annotations

import logging
import threading
import time

from ui.webhooks.posting import post
from ui.webhooks.store import Webhooks

EVERY = 1.0  # seconds between two looks into the outbox
AT_ONCE = 8  # receivers; never two deliveries of one receiver
TIDY = 3600.0  # seconds
GRACE = 2.0  # seconds that deliveries under way have when the server stops
log = logging.getLogger(__name__)


class Sender:
    """Runs from its making until stop(). One per home, as the server is."""

    def __init__(self, webhooks: Webhooks, *, loopback: bool = False, every: float = EVERY) -> None:
        self._webhooks = webhooks
        self._loopback = loopback
        self._every = every
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}  # by webhook
        self._tidied = 0.0
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait a little for what is under way."""
        self._end.set()
        self._thread.join()
        with self._lock:
            under_way = list(self._busy.values())
        until = time.monotonic() + GRACE
        for thread in under_way:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            try:
                self._look()
            except Exception:  # a full disk, say: the next look tries again
                log.exception("webhooks could not be sent")
            if self._end.wait(self._every):
                return

    def _look(self) -> None:
        for delivery in self._webhooks.due():
            id_ = delivery.webhook_id
            with self._lock:
                if id_ in self._busy or len(self._busy) >= AT_ONCE:
                    continue
                # A thread each, as a slow receiver may not hold up the others
                self._busy[id_] = thread = threading.Thread(
                    target=self._send, args=(id_,), name=f"webhook {id_}", daemon=True
                )
            thread.start()
        if time.monotonic() - self._tidied > TIDY or not self._tidied:
            self._webhooks.tidy()
            self._tidied = time.monotonic()

    def _send(self, webhook_id: str) -> None:
        """All that is due for one receiver, until one fails."""
        try:
            while not self._end.is_set():
                due = self._webhooks.due(webhook_id)
                if not due:
                    return
                one = due[0]
                outcome = post(one.url, one.secret, one.id, one.body, loopback=self._loopback)
                self._webhooks.settle(one, outcome)
                if not outcome.taken:
                    log.warning("webhook %s: %s", webhook_id, outcome.error)
                    return
        except Exception:
            if not self._end.is_set():  # else the database was closed under it
                log.exception("webhook %s", webhook_id)
        finally:
            with self._lock:
                self._busy.pop(webhook_id, None)
