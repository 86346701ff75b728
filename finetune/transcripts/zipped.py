"""Zip archives of transcripts: one file at a time is unpacked, and deleted after reading."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from finetune.transcripts.conversation import BadRow, Report, Source
from finetune.transcripts.tables import ZIP, is_workbook

MOST_BYTES = 20 << 30  # of one file, unpacked
MOST_RATIO = 300  # unpacked to packed, of files above SMALL: chats shrink to a tenth, not less
SMALL = 10 << 20
UTF8 = 0x800  # flag of an entry whose name is UTF-8; without it Windows wrote GBK


def is_archive(source: Source) -> bool:
    """Whether it is a zip archive and no Excel workbook."""
    with source.path.open("rb") as file:
        return file.read(4) == ZIP and not is_workbook(source)


def sources(source: Source, report: Report) -> Iterator[Source]:
    """The files of an archive, each on disk while it is read. What cannot be opened is reported."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            for number, entry in enumerate(archive.infolist(), 1):
                if name := _name(entry):
                    yield from _unpacked(archive, entry, Source(source.path, name), number, report)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        report(BadRow(source.name, 1, f"the archive is damaged ({error})"))


def _unpacked(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inside: Source, number: int, report: Report
) -> Iterator[Source]:
    name = f"{inside.path.name}/{inside.name}"
    bloated = entry.file_size > SMALL and entry.file_size > MOST_RATIO * entry.compress_size
    if entry.flag_bits & 1:
        report(BadRow(name, number, "it is encrypted; unpack the archive and add the files"))
        return
    if bloated or entry.file_size > MOST_BYTES:
        size = f"{entry.file_size / 1e6:.0f} MB"
        report(BadRow(name, number, f"unpacked it has {size}, more than is safe to open"))
        return
    with tempfile.TemporaryDirectory(prefix="zhike-transcripts-") as folder:
        copy = Path(folder) / f"entry{PurePosixPath(inside.name).suffix[:20]}"
        try:
            with archive.open(entry) as packed, copy.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
            report(BadRow(name, number, f"it is damaged in the archive ({error})"))
            return
        yield Source(copy, name)


def _name(entry: zipfile.ZipInfo) -> str:
    """The path of a file that people put there; "" for folders, hidden files and litter."""
    name = entry.filename
    if not entry.flag_bits & UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "/"]
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return "" if entry.is_dir() or not parts or hidden else "/".join(parts)
