"""JSON of any size, one item at a time: lines, one array, or an object of items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from finetune.transcripts import text_file
from finetune.transcripts.conversation import BadRow, Report, Source

CHUNK = 1 << 20  # characters read at a time
LARGEST = 16 << 20  # characters of one item; above it the file is not what it seems
DECODER = json.JSONDecoder()
WRAPPERS = ("payload", "tickets", "conversations", "data", "results")
Layout = Literal["lines", "array", "object", ""]


@dataclass(frozen=True, slots=True)
class Row:
    """One item, and where it was."""

    line: int  # of JSON Lines the line, else the number of the item
    value: Any
    key: str = ""  # its name in an object of items


def layout_of(path: Path) -> Layout:
    """How the items lie in the file; "" when it is not JSON at all."""
    head = text_file.head(path).lstrip("\ufeff \t\r\n")
    if re.match(r"\[\s*[\[{\"\]]", head):  # "[12:03] Anna: …" is a chat log
        return "array"
    if head[:1] != "{":
        return ""
    lines = [line for line in head.splitlines() if line.startswith("{")]
    # The last line may be cut off by the head's end; an object's inner lines are indented.
    if len(lines) > 1 or ("\n" in head.strip() and _whole(lines[0])):
        return "lines"
    return "object"


def rows(source: Source, report: Report) -> Iterator[Row]:
    """Every item. What is not valid JSON goes to `report`; of JSON Lines only that line is lost."""
    layout = layout_of(source.path)
    with text_file.text(source.path, source.seen) as file:
        if layout == "lines":
            yield from _lines(file, source, report)
            return
        stream, number = _Stream(file), 0
        try:
            for key, value in _array(stream) if layout == "array" else _members(stream):
                number += 1
                yield Row(number, value, key)
        except ValueError as error:
            report(BadRow(source.name, number + 1, f"not valid JSON ({error}); the rest is lost"))


def _lines(file: IO[str], source: Source, report: Report) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield Row(number, json.loads(line))
            except ValueError as error:
                report(BadRow(source.name, number, f"not valid JSON ({error})"))


def whole(path: Path) -> Any:
    """A file's one object when it is small enough to be a single item, else None."""
    with text_file.text(path) as file:
        content = file.read(LARGEST + 1)
    try:
        return json.loads(content) if len(content) <= LARGEST else None
    except ValueError:
        return None


def _whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


class _Stream:
    """A buffer over the file from which whole JSON values are taken."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._buffer, self._at = file, "", 0

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in " \t\r\n\ufeff":
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, expected: str) -> None:
        """Step over `expected`. Raises ValueError when something else stands there."""
        found = self.peek()
        if found != expected:
            raise ValueError(f"{expected!r} expected, {found or 'the end'!r} found")
        self._at += 1

    def value(self) -> Any:
        """The next value. Raises ValueError when it is not JSON or too large."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
                if end < len(self._buffer) or not self._more():  # a number may go on
                    self._at = min(end, len(self._buffer))
                    return value
            except ValueError:
                if len(self._buffer) - self._at > LARGEST or not self._more():
                    raise

    def _more(self) -> bool:
        piece = self._file.read(CHUNK)
        if piece:
            self._buffer, self._at = self._buffer[self._at :] + piece, 0
        return bool(piece)


def _array(stream: _Stream, key: str = "") -> Iterator[tuple[str, Any]]:
    stream.take("[")
    while stream.peek() != "]":
        yield key, stream.value()
        if stream.peek() == ",":
            stream.take(",")
        elif stream.peek() != "]":
            raise ValueError("',' or ']' expected")
    stream.take("]")


def _members(stream: _Stream) -> Iterator[tuple[str, Any]]:
    """The values of an object; of an array in it, and of a wrapper's array, the items."""
    stream.take("{")
    while stream.peek() != "}":
        key = str(stream.value())
        stream.take(":")
        if stream.peek() == "[":
            yield from _array(stream, key)
        elif key in WRAPPERS:
            yield from _wrapped(stream.value(), key)
        else:
            yield key, stream.value()
        if stream.peek() == ",":
            stream.take(",")
        elif stream.peek() != "}":
            raise ValueError("',' or '}' expected")


def _wrapped(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    inner = (
        next((value[w] for w in WRAPPERS if isinstance(value.get(w), list)), None)
        if (isinstance(value, dict))
        else None
    )
    if inner is None:
        yield key, value
    else:
        yield from ((key, item) for item in inner)
