"""Blocks collected in reading order under their headings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from knowledge.types import Block, BlockKind, Parsed

Row = Sequence[str] | str
"""The cells of a table row; or one text that stands across all columns."""


class Outline:
    """What a parser has read so far."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []  # (level, text) of the headings above
        self._blocks: list[Block] = []
        self._tops: dict[int, list[str]] = {0: [], 1: []}
        self._hidden: Counter[str] = Counter()
        self._unread: Counter[str] = Counter()
        self.warnings: list[str] = []

    def hidden(self, times: int, what: str) -> None:
        """Count what readers of the file do not see and is left out; `what`: in the plural."""
        self._hidden[what] += times

    def unread(self, times: int, what: str) -> None:
        """Count what people see but this program cannot read; `what`: in the plural."""
        self._unread[what] += times

    def __len__(self) -> int:
        """Blocks so far."""
        return len(self._blocks)

    def heading(self, level: int, text: str) -> None:
        """A heading; it closes those of its level and below. 0: the title, 1: the outermost."""
        text = " ".join(text.split())
        if not text:
            return
        self._path = [above for above in self._path if above[0] < level]
        self._path.append((level, text))
        if level in self._tops:
            self._tops[level].append(text)

    def add(self, text: str, kind: BlockKind = "text", page: int | None = None) -> None:
        """A block below the present headings; blank ones are left out."""
        if text.strip():
            heading = tuple(part for _, part in self._path)
            self._blocks.append(Block(text.strip("\n").rstrip(), kind, heading, page))

    def table(self, rows: Sequence[Row], page: int | None = None) -> None:
        """A table whose first row of cells is its header; what stands above that is text."""
        titles, rows = titled([row for row in rows if "".join(row).strip()])
        for title in titles:
            self.add(title, page=page)
        if len(rows) > 1:
            self.add("\n".join(row_lines(rows[0], rows[1:])), "table", page)
        else:
            self.add("\n".join(" ".join(row) for row in rows), page=page)

    def parsed(self, title: str) -> Parsed:
        """The file as read. `title` is used unless exactly one heading has level 0, or level 1.

        The title stands above every chunk, so it is taken out of the heading paths.
        """
        for tops in self._tops.values():
            if len(tops) == 1:
                title = tops[0]
                break
        blocks = (
            Block(b.text, b.kind, b.heading[1:], b.page) if b.heading[:1] == (title,) else b
            for b in self._blocks
        )
        hidden = [f"{n} hidden {what} were left out." for what, n in self._hidden.items() if n]
        unread = [f"{n} {what} cannot be read." for what, n in self._unread.items() if n]
        return Parsed(title.strip(), tuple(blocks), warnings=(*self.warnings, *hidden, *unread))


def titled(rows: Sequence[Row]) -> tuple[list[str], Sequence[Row]]:
    """Texts that stand above a table, and the table.

    A row across all columns is one; so is a first row with a single cell before rows of three
    and more, as spreadsheets have their titles.
    """
    titles: list[str] = []
    for number, row in enumerate(rows):
        filled = [cell for cell in row if cell.strip()]
        wide = any(len([c for c in r if c.strip()]) > 2 for r in rows[number + 1 :][:5])
        if not isinstance(row, str) and not (len(filled) == 1 and wide):
            return titles, rows[number:]
        titles.append(row if isinstance(row, str) else filled[0])
    return titles, ()


def row_lines(header: Row, rows: Sequence[Row]) -> list[str]:
    """One self-contained line per row, "header: value | header: value", first column first.

    Empty cells are left out; so is a header without text.
    """
    names = [" ".join(cell.split()) for cell in header]
    lines = []
    for row in rows:
        if isinstance(row, str):
            lines.append(" ".join(row.split()))
            continue
        cells = [" ".join(cell.split()) for cell in row]
        named = zip([*names, *[""] * (len(cells) - len(names))], cells, strict=False)
        parts = [f"{name}: {cell}" if name else cell for name, cell in named if cell]
        if parts:
            lines.append(" | ".join(parts))
    return lines
