"""Uploaded transcripts: in the home while a run reads them, and no longer.

They hold personal data as it was written; what a run keeps of them is masked.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from chatbot.errors import ChatbotError
from finetune.errors import FinetuneError
from finetune.registry import opened
from knowledge.errors import KnowledgeError

PREFIX = "transcripts-"  # of a folder in the home, one per upload
LOOK = 2.0  # seconds between two looks whether the run has ended
log = logging.getLogger(__name__)


def keep(home: Path, uploaded: Sequence[str]) -> tuple[Path, ...]:
    """Move the uploads into a folder of their own: another process reads them, later."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    return tuple(Path(shutil.move(file, folder / Path(file).name)) for file in uploaded)


def drop(paths: Sequence[Path]) -> None:
    """Delete what keep() returned, and its folder."""
    for folder in {path.parent for path in paths}:
        shutil.rmtree(folder, ignore_errors=True)


def drop_after_run(home: Path) -> threading.Thread:
    """Delete all that is kept now as soon as no run is being made: at once when there is none.

    Called when a run was started, and when the server starts: a run may have outlived it.
    """
    folders = tuple(home.glob(f"{PREFIX}*"))
    thread = threading.Thread(target=_wait, args=(home, folders), name="transcripts", daemon=True)
    thread.start()
    return thread


def _wait(home: Path, folders: Sequence[Path]) -> None:
    try:
        registry = opened(home) if folders else None
        while registry is not None and registry.running() is not None:
            time.sleep(LOOK)
    except (FinetuneError, ChatbotError, KnowledgeError) as error:
        log.error("uploaded transcripts stay until the next start: %s", error)
        return
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
