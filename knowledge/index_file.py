"""Immutable index files: written whole or not at all, read only when they are unchanged."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

ORPHAN_SECONDS = 600  # an unreferenced file this old is nobody's half-done work


class DamagedIndex(Exception):
    """The index file is not what its row in SQLite says; the message is the reason."""


def write_file(path: Path, data: bytes) -> str:
    """Write, fsync, check and rename; the SHA-256. Raises OSError, then `path` does not exist.

    In Python, as faiss.write_index reports success on a full disk.
    """
    digest = hashlib.sha256(data).hexdigest()
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise OSError("what was written reads back differently")
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest


def read_file(path: Path, size: int, sha256: str) -> bytes:
    """The bytes that write_file() wrote. Raises DamagedIndex."""
    try:
        found = path.stat().st_size
        if found != size:
            raise DamagedIndex(f"{path.name} is damaged (it has {found} bytes, not {size})")
        data = path.read_bytes()
    except OSError as error:
        raise DamagedIndex(f"{path.name} cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedIndex(f"{path.name} is damaged (its SHA-256 differs)")
    return data


def clean(folder: Path, keep: str) -> None:
    """Delete unreferenced files; young ones may be another process's, not yet pointed to."""
    newest = _generation(keep)
    for path in folder.glob("index-*.faiss*"):
        old = _generation(path.name) < newest
        try:
            if path.name != keep and (old or time.time() - path.stat().st_mtime > ORPHAN_SECONDS):
                path.unlink()
        except OSError:
            continue  # another process was first


def _generation(name: str) -> int:
    digits = name.split("-")[1]
    return int(digits) if digits.isdigit() else 0
