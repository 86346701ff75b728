"""Blocks collected in reading order under their headings."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.types import Block, BlockKind, Parsed


class Outline:
    """What a parser has read so far."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []  # (level, text) of the headings above
        self._blocks: list[Block] = []
        self._tops: dict[int, list[str]] = {0: [], 1: []}
        self.warnings: list[str] = []

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
        return Parsed(title.strip(), tuple(blocks), warnings=tuple(self.warnings))


def row_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """One self-contained line per row, "header: value | header: value", first column first.

    Empty cells are left out; so is a header without text.
    """
    names = [" ".join(cell.split()) for cell in header]
    lines = []
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        named = zip([*names, *[""] * (len(cells) - len(names))], cells, strict=False)
        parts = [f"{name}: {cell}" if name else cell for name, cell in named if cell]
        if parts:
            lines.append(" | ".join(parts))
    return lines
