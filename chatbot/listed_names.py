"""The team's own products and places: entities.csv in the home, read again when it changes.

The columns are kind, name, also; `also` holds other spellings, in any script, parted by `|`.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from filelock import FileLock, Timeout

from chatbot.errors import ChatbotError
from chatbot.name_finder import Found, Kind, Name, NameFinder, key
from chatbot.spans import Span
from chatbot.types import Entity

log = logging.getLogger(__name__)

FILE = "entities.csv"  # in the home
COLUMNS = ["kind", "name", "also"]
KINDS: tuple[Kind, ...] = get_args(Kind)
JOINT = "|"
SHORTEST, LONGEST = 2, 80  # letters or digits; characters
MOST_SPELLINGS = 20  # of one name
MOST = 10_000  # names
MOST_BYTES = 4_000_000
WAIT = 10.0  # seconds for another process that writes it


@dataclass(frozen=True, slots=True)
class Line:
    """A name and the line of the file on which it stands."""

    number: int
    name: Name


class ListedNames:
    """The file and what finds its names; safe from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""  # why the file as it is now is not read; the last good list counts then
        self._loading = threading.Lock()
        self._seen: tuple[int, int] | None = None  # size and time of what was read
        self._finder = NameFinder(())

    def all(self) -> tuple[Name, ...]:
        """In the order of the file; none where there is none.

        Raises ChatbotError with file and line for what is no such list.
        """
        return tuple(line.name for line in self._lines())

    def found(self, text: str) -> list[Found]:
        """The names in a masked text. A file that cannot be read leaves the last good list."""
        self.refresh()
        return self._finder.found(text)

    def entities(self, text: str) -> tuple[Entity, ...]:
        """The same as entities: as written, and the name as listed."""
        return tuple(Entity(f.name.kind, f.text, f.name.name) for f in self.found(text))

    def spans(self, text: str) -> tuple[Span, ...]:
        """Where they stand; the kind is that of the name."""
        return tuple(Span(f.start, f.end, f.name.kind) for f in self.found(text))

    def refresh(self) -> None:
        """Read the file if it changed; a glance at its time and size, about 5 µs, if not."""
        if (now := self._state()) == self._seen:
            return
        with self._loading:
            if now == self._seen:
                return
            try:
                self._finder, self.problem = NameFinder(self.all()), ""
            except ChatbotError as error:
                self.problem = f"{error} The list from before counts until then."
                log.warning("%s", error)
            self._seen = now

    def add(self, kind: Kind, name: str, also: Sequence[str] = ()) -> Name:
        """Put a name on the list; of one that is there, the kind and the spellings are added to.

        Raises ChatbotError: nothing was changed.
        """
        given = _name(kind, name, also)
        with self._locked():
            lines = self._lines()
            known = next((n for n in lines if key(n.name.name) == key(given.name)), None)
            if known is not None:
                spellings = _distinct(given.name, [*known.name.also, *given.also])
                given = _name(kind, given.name, spellings)
                lines = [replace(n, name=given) if n is known else n for n in lines]
            else:
                lines = [*lines, Line(len(lines) + 2, given)]
            _check(lines, f"{self.path.name} as it would be")
            self._write(lines)
        return given

    def remove(self, name: str) -> Name:
        """Take a name off the list, by any of its spellings. Raises ChatbotError."""
        with self._locked():
            lines = self._lines()
            gone = [n for n in lines if key(name) in map(key, (n.name.name, *n.name.also))]
            if not gone or not key(name):
                raise ChatbotError(
                    f"{name!r} is not in {self.path}. See the names: zhike entities list"
                )
            self._write([n for n in lines if n not in gone])
        return gone[0].name

    def _state(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return found.st_size, found.st_mtime_ns

    def _lines(self) -> list[Line]:
        if not self.path.exists():
            return []
        lines = list(_parsed(self._text(), self.path))
        _check(lines, str(self.path))
        return lines

    def _text(self) -> str:
        try:
            if self.path.stat().st_size > MOST_BYTES:
                raise ChatbotError(
                    f"{self.path}: the list of names is larger than {MOST_BYTES // 1_000_000} MB. "
                    "Shorten it."
                )
            raw = self.path.read_bytes()
        except OSError as error:
            raise ChatbotError(
                f"{self.path}: the list of names cannot be read ({error.strerror}). Correct it."
            ) from error
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            number = raw[: error.start].count(b"\n") + 1
            raise ChatbotError(
                f"{self.path}, line {number}: is not UTF-8. Save the file as “CSV UTF-8”."
            ) from error

    def _write(self, lines: Iterable[Line]) -> None:
        """The whole list or the file as it was: a crash leaves no half of it."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        try:
            with partial.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                writer.writerows([n.name.kind, n.name.name, JOINT.join(n.name.also)] for n in lines)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError as error:
            raise ChatbotError(
                f"{self.path}: cannot be written ({error.strerror}). Try again when it can be."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the file while the block runs. Raises ChatbotError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=WAIT):
                yield
        except (OSError, Timeout) as error:
            why = getattr(error, "strerror", None) or error
            raise ChatbotError(
                f"{self.path}: cannot be written ({why}). Try again when it can be."
            ) from error


def _parsed(text: str, path: Path) -> Iterator[Line]:
    """The rows of the file. Raises ChatbotError with the line of a bad one."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1  # of the row; a cell may hold line breaks
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            while len(cells) > len(COLUMNS) and not cells[-1]:  # as spreadsheets fill them up
                cells.pop()
            if start == 1:
                if [cell.lower() for cell in cells] != COLUMNS:
                    raise ChatbotError(f"the columns must be {','.join(COLUMNS)}.")
            elif any(cells):
                yield Line(start, _of_cells(cells))
            start = rows.line_num + 1
    except (csv.Error, ChatbotError) as error:
        why = f"is no CSV ({error})." if isinstance(error, csv.Error) else str(error)
        raise ChatbotError(f"{path}, line {start}: {why}") from error
    if start == 1:
        raise ChatbotError(f"{path}, line 1: the columns must be {','.join(COLUMNS)}.")


def _of_cells(cells: list[str]) -> Name:
    if len(cells) > len(COLUMNS) or len(cells) < 2:
        raise ChatbotError(
            f"there are {len(cells)} cells; a line is kind,name,also with other spellings parted "
            f"by {JOINT}, and in quotes where they hold a comma."
        )
    return _name(cells[0].lower(), cells[1], cells[2].split(JOINT) if len(cells) > 2 else ())


def _name(kind: str, name: str, also: Iterable[str]) -> Name:
    """One name, its blanks tidied. Raises ChatbotError."""
    if kind not in KINDS:
        raise ChatbotError(f"{kind[:LONGEST]!r} is no kind of name. Known: {', '.join(KINDS)}.")
    name = " ".join(name.split())
    spellings = _distinct(name, (" ".join(one.split()) for one in also))
    for one in (name, *spellings):
        if len(key(one)) < SHORTEST or len(one) > LONGEST or JOINT in one:
            raise ChatbotError(
                f"{one[:LONGEST]!r}: a name has at least {SHORTEST} letters or digits, at most "
                f"{LONGEST} characters and no {JOINT}."
            )
    if len(spellings) > MOST_SPELLINGS:
        raise ChatbotError(f"{name!r} has more than {MOST_SPELLINGS} other spellings.")
    known: Kind = "product" if kind == "product" else "place"
    return Name(known, name, spellings)


def _distinct(name: str, also: Iterable[str]) -> tuple[str, ...]:
    """Without those that are read like the name or like one before."""
    kept = {key(one): one for one in reversed(list(also)) if one}
    kept.pop(key(name), None)
    return tuple(reversed(kept.values()))


def _check(lines: Sequence[Line], where: str) -> None:
    """Whether all together are one list: no spelling of two names. Raises ChatbotError."""
    if len(lines) > MOST:
        raise ChatbotError(f"{where}: a list holds {MOST:,} names at most.")
    owners: dict[str, Line] = {}
    for line in lines:
        for spelling in (line.name.name, *line.name.also):
            other = owners.setdefault(key(spelling), line)
            if other is not line:
                raise ChatbotError(
                    f"{where}, line {line.number}: {spelling!r} belongs to {other.name.name!r} "
                    f"(line {other.number}) already. A spelling can name one thing only."
                )
