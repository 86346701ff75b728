"""A small disk of its own that a test fills to the last byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096  # a tmpfs gives room by the page
LEVELS = int(os.environ.get("ZHIKE_FILL_LEVELS", "6"))
MOST = 384  # pages left at the highest level: there everything fits


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs; the test is skipped where mounting is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here, so no disk can be filled")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here ({done.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """A file that leaves so many pages of room; deleting it gives the room back."""
    path = disk / "filler"
    with path.open("wb") as file:
        found = os.statvfs(disk)
        size = max(found.f_bavail * found.f_frsize - left * PAGE, 0)
        os.posix_fallocate(file.fileno(), 0, max(size, 1))
    return path


def levels() -> list[int]:
    """Pages left, closer together where less is left: 0 first, MOST last."""
    return sorted({round(MOST * (i / (LEVELS - 1)) ** 2) for i in range(LEVELS)} | {1, 2})
