"""Text files in whatever encoding they come, packed with gzip or not."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from finetune.transcripts.conversation import ignored

GZIP = b"\x1f\x8b"
PIECE = 1 << 20  # bytes


class _Watched(io.FileIO):
    """A file that tells how many bytes were read from it."""

    def __init__(self, path: Path, seen: Callable[[int], None]) -> None:
        super().__init__(path)
        self._seen = seen

    def readinto(self, buffer: Any, /) -> int | None:
        count = super().readinto(buffer)
        self._seen(count or 0)
        return count


def binary(path: Path, seen: Callable[[int], None] = ignored) -> IO[bytes]:
    """The bytes of the file, unpacked; `seen` hears of those that left the disk."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    raw = io.BufferedReader(_Watched(path, seen), PIECE)
    return gzip.open(raw) if packed else raw  # type: ignore[return-value]


def text(path: Path, seen: Callable[[int], None] = ignored) -> IO[str]:
    """The file as text; line ends stay as they are."""
    return io.TextIOWrapper(binary(path, seen), encoding_of(path), "replace", newline="")


def encoding_of(path: Path) -> str:
    """UTF-16 by its mark, else UTF-8 if all of it is, else GB18030 as Chinese Excel writes."""
    with binary(path) as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    with io.TextIOWrapper(binary(path), "utf-8") as decoded:
        try:
            while decoded.read(PIECE):
                pass
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def head(path: Path, size: int = 1 << 16) -> str:
    """The first `size` characters."""
    with text(path) as file:
        return file.read(size)
