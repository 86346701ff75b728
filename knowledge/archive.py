"""Zip archives opened into the files they hold, within limits that office files share."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

MOST_FILES = 2_000
MOST_BYTES = 200 << 20  # of all files, unpacked
MOST_RATIO = 100  # unpacked to packed, of files above SMALL
SMALL = 1 << 20
LONGEST = 60  # characters of a copy's name: four bytes each still fit into a file name
UTF8 = 0x800  # flag of an entry whose name is UTF-8; without it Windows wrote GBK


def oversized(entries: Sequence[zipfile.ZipInfo]) -> bool:
    """Too many files, too much in all, or packed so tightly that it must be a bomb."""
    total = sum(entry.file_size for entry in entries)
    bloated = any(
        e.file_size > SMALL and e.file_size > MOST_RATIO * e.compress_size for e in entries
    )
    return len(entries) > MOST_FILES or total > MOST_BYTES or bloated


def problem(path: Path) -> str:
    """Why the archive is not opened, as a sentence; "" when it can be."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        return f"{path.name}: the archive is damaged ({error})."
    if any(entry.flag_bits & 1 for entry in entries):
        return f"{path.name}: the archive is encrypted. Unpack it and add the files."
    if oversized(entries):
        total = sum(entry.file_size for entry in entries)
        return (
            f"{path.name}: unpacked it has {len(entries)} files and {total / 1e6:.0f} MB, more "
            "than is safe to open. Split it into smaller archives."
        )
    return "" if any(_name(entry) for entry in entries) else f"{path.name}: it holds no files."


def unpacked(path: Path, folder: Path, most_bytes: int) -> Iterator[tuple[str, Path, str]]:
    """Name within the archive, a copy in `folder`, and a problem, for each file.

    Of a file above `most_bytes` one byte more is copied, so that it is refused.
    """
    with zipfile.ZipFile(path) as archive:
        for number, entry in enumerate(archive.infolist()):
            name = _name(entry)
            if not name:
                continue
            base = PurePosixPath(name)  # kept: it is the title of a document that has none
            copy = folder / str(number) / f"{base.stem[:LONGEST]}{base.suffix[:LONGEST]}"
            copy.parent.mkdir()
            try:
                with archive.open(entry) as packed:
                    copy.write_bytes(packed.read(most_bytes + 1))
            except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
                yield name, copy, f"{name}: it is damaged in the archive ({error})."
            else:
                yield name, copy, ""


def _name(entry: zipfile.ZipInfo) -> str:
    """The path of a file that people put there; "" for folders, hidden files and litter."""
    name = entry.filename
    if not entry.flag_bits & UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    parts = [
        part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..")
    ]
    if entry.is_dir() or not parts or any(p.startswith(".") or p == "__MACOSX" for p in parts):
        return ""
    return "/".join(parts)
