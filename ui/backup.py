"""One archive of everything that a home holds and cannot make again, and a home out of it.

The database is copied with SQLite's own backup while others go on writing; files follow. What can
be made again (index, caches) and what must not be kept (uploaded transcripts) stays out.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from chatbot.errors import ChatbotError
from knowledge.database import Database
from knowledge.errors import DatabaseError

DATABASE = "zhike.db"
CARD = "backup.json"  # in the archive: what it holds, with a hash of each file
FORMAT = 1
FILES = ("settings.toml", "entities.csv", "evidence.npz", "golden.jsonl", "samples.loaded")
FOLDERS = ("runs", "intents")
CHUNK = 1 << 20  # bytes read at once
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)  # of a damaged archive


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    path: str  # below the home, with /
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Card:
    """What a backup says of itself."""

    format: int
    zhike: str  # the version that made it
    created: str  # ISO 8601, UTC
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)


def back_up(home: Path, target: Path) -> Card:
    """Write everything of `home` to the new file `target`, readable by its owner only.

    The server may go on. Raises ChatbotError when there is nothing, `target` exists or cannot be
    written; nothing is left behind then.
    """
    if not (home / DATABASE).is_file():
        raise ChatbotError(f"{home}: there is nothing to back up, no {DATABASE}.")
    if target.exists():
        raise ChatbotError(f"{target} exists already. Choose another name.")
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with open(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            card = _write(home, file)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, target)  # unlike a rename it never replaces what came meanwhile
    except FileExistsError:
        raise ChatbotError(f"{target} exists already. Choose another name.") from None
    except OSError as error:
        raise ChatbotError(f"{target}: cannot be written ({error.strerror}).") from error
    finally:
        partial.unlink(missing_ok=True)
    return card


def _write(home: Path, file: BinaryIO) -> Card:
    entries = []
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        tempfile.TemporaryDirectory(prefix="zhike-backup-", dir=home) as scratch,
    ):
        copy = Path(scratch) / DATABASE
        database = Database(home / DATABASE)
        try:
            database.backup(copy)
        finally:
            database.close()
        entries.append(_add(archive, copy, DATABASE))
        for path in _paths(home):
            try:
                entries.append(_add(archive, path, path.relative_to(home).as_posix()))
            except FileNotFoundError:  # a run that was removed since it was listed
                continue
        now = datetime.now(UTC).isoformat(timespec="seconds")
        card = Card(FORMAT, version("zhike"), now, tuple(entries))
        archive.writestr(CARD, json.dumps(asdict(card), indent=1))
    return card


def _paths(home: Path) -> Iterator[Path]:
    for name in FILES:
        if (home / name).is_file():
            yield home / name
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> Entry:
    """Hashed while it is copied, so that both are of the same bytes."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
        while block := source.read(CHUNK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return Entry(name, size, digest.hexdigest())


def restore(archive: Path, home: Path) -> Card:
    """Make the home that `archive` holds; all of it, or none.

    `home` must be absent or empty. Raises ChatbotError for anything else, and for an archive that
    is not one of ours, damaged, or of a newer format.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ChatbotError(
            f"{home} is not empty; restoring never writes over anything. Move it away or set "
            "ZHIKE_HOME to a new folder."
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{home.name}.restoring-", dir=home.parent))
    try:
        card = _unpack(archive, scratch)
        Database(scratch / DATABASE).close()  # its own check of every page
        os.replace(scratch, home)  # onto an empty folder or none
    except (DatabaseError, *BROKEN) as error:
        raise ChatbotError(f"{archive}: the backup is damaged ({error}).") from error
    except OSError as error:
        raise ChatbotError(f"{archive}: cannot be restored to {home} ({error}).") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return card


def _unpack(archive: Path, target: Path) -> Card:
    if not zipfile.is_zipfile(archive):
        raise ChatbotError(f"{archive} is not a backup that Zhike made.")
    with zipfile.ZipFile(archive) as opened:
        card = _card(archive, opened)
        for entry in card.entries:
            if not _inside(entry.path):
                raise ChatbotError(f"{archive}: {entry.path!r} does not belong into a backup.")
            _extract(opened, entry, target / entry.path, archive)
    return card


def _card(archive: Path, opened: zipfile.ZipFile) -> Card:
    try:
        with opened.open(CARD) as file:
            raw: dict[str, Any] = json.loads(file.read(CHUNK * 64))
        if raw["format"] > FORMAT:
            raise ChatbotError(
                f"{archive}: made by a newer Zhike ({raw['zhike']}). Install that version first."
            )
        entries = tuple(Entry(**entry) for entry in raw["entries"])
        card = Card(raw["format"], raw["zhike"], raw["created"], entries)
    except (KeyError, TypeError, ValueError) as error:
        raise ChatbotError(f"{archive} is not a backup that Zhike made.") from error
    if DATABASE not in {entry.path for entry in entries}:
        raise ChatbotError(f"{archive}: the backup is damaged (no {DATABASE}).")
    return card


def _inside(path: str) -> bool:
    """Only what back_up() writes."""
    parts = PurePosixPath(path).parts
    plain = bool(parts) and ".." not in parts and "\\" not in path and not path.startswith("/")
    known = path in (DATABASE, *FILES) or (len(parts) > 1 and parts[0] in FOLDERS)
    return plain and known


def _extract(opened: zipfile.ZipFile, entry: Entry, path: Path, archive: Path) -> None:
    """No more bytes than the card names, and those with its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with opened.open(entry.path) as source, path.open("xb") as target:
            while size <= entry.size and (block := source.read(CHUNK)):
                digest.update(block)
                size += len(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
    except (KeyError, *BROKEN) as error:
        raise ChatbotError(f"{archive}: the backup is damaged ({entry.path}).") from error
    if size != entry.size or digest.hexdigest() != entry.sha256:
        raise ChatbotError(f"{archive}: the backup is damaged ({entry.path}).")
    path.chmod(0o600)
