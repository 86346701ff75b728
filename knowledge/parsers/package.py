"""The checks that every OOXML file (docx, xlsx, pptx) passes before it is read."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from knowledge.archive import oversized
from knowledge.errors import UnreadableFile

MOST_MAIN_BYTES = 20 << 20  # python-docx needs about 50 times as much memory
MAIN_PARTS = ("word/document.xml", "xl/sharedStrings.xml")
MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", re.IGNORECASE)
READABLE = (b"utf-8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-1", b"windows-1252")
DECLARES = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def check_package(path: Path) -> None:
    """Raise UnreadableFile for a damaged or oversized package, or one with a DOCTYPE."""
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
            main = [e for e in entries if e.filename in MAIN_PARTS]
            if oversized(entries) or any(e.file_size > MOST_MAIN_BYTES for e in main):
                total = sum(entry.file_size for entry in entries)
                raise UnreadableFile(
                    f"{path.name}: unpacked it has {len(entries)} parts and {total / 1e6:.0f} MB, "
                    "more than is safe to read. Split it into smaller files."
                )
            for entry in entries:
                _check_part(path.name, package, entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableFile(f"{path.name}: the file is damaged ({error}).") from error


def _check_part(name: str, package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Every part that is XML, whatever its name: the package says by itself what is what."""
    with package.open(entry) as part:
        head = part.read(4096)
        text = head[2:] if head.startswith(MARKS) else head
        wide = head.startswith(MARKS) or b"\0" in head[:64]
        text = text.replace(b"\0", b"") if wide else text
        if not text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            return
        data = head + part.read()
    if wide:
        data = data.replace(b"\0", b"")  # only its ASCII matters here
    named = ENCODING.search(data[:1024])
    if DECLARES.search(data) or (named and named[1].lower() not in READABLE):
        raise UnreadableFile(
            f"{name}: it contains a document type declaration or a strange encoding, which no "
            "office program writes. It may be an attack and was not read."
        )
