"""Room on the disk that is kept for the day when it is full.

A full disk stops more than new texts: SQLite needs room even to delete. So the server keeps a file
of no content, and the first write that finds too little room deletes it: customers are answered
and documents can be removed, while health says that room must be made.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from pathlib import Path

log = logging.getLogger(__name__)
NAME = "reserve"
SIZE = 64 << 20  # bytes: some 10,000 turns
SCANT = 4 << 20  # bytes: less than that free is too little for a write
PLENTY = 1 << 30  # bytes: only with that much free is anything kept


def keep(folder: Path) -> None:
    """Make the file, where it is not and the disk has plenty of room."""
    path = folder / NAME
    if path.exists() or shutil.disk_usage(folder).free < PLENTY:
        return
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)
    except OSError as error:  # a file system that cannot: then there is no reserve
        path.unlink(missing_ok=True)
        log.warning("No room is kept on the disk of %s (%s)", folder, error.strerror)


def give_back(folder: Path) -> None:
    """Delete the file when the disk has too little room for a write."""
    with contextlib.suppress(OSError):  # none is kept, or another process was first
        found = os.statvfs(folder)
        if found.f_bavail * found.f_frsize < SCANT and (folder / NAME).exists():
            (folder / NAME).unlink()
            log.warning("The disk of %s is full: the room that was kept is used now", folder)
