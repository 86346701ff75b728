"""Reading new passages ahead of the first question about them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from chatbot.app import App

log = logging.getLogger(__name__)


def prepare(app: App, document_ids: Iterable[str]) -> threading.Thread:
    """In the background: about 0.1 s for a passage."""
    ids = tuple(document_ids)
    thread = threading.Thread(target=_prepare, args=(app, ids), name="preparation", daemon=True)
    thread.start()
    return thread


def _prepare(app: App, document_ids: tuple[str, ...]) -> None:
    try:
        for id_ in document_ids:
            app.scorer.prepare(app.knowledge.chunks(id_))
    except Exception as error:  # the edge of the thread: the first question does it instead
        log.warning("Passages were not read ahead (%s).", error)
