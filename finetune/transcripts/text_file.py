"""Text files in whatever encoding they come, packed with gzip or not."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO

GZIP = b"\x1f\x8b"
PIECE = 1 << 20  # bytes


def binary(path: Path) -> IO[bytes]:
    """The bytes of the file, unpacked."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def text(path: Path, encoding: str = "") -> IO[str]:
    """The file as text; line ends stay as they are."""
    return io.TextIOWrapper(binary(path), encoding or encoding_of(path), "replace", newline="")


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
