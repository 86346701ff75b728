"""What openpyxl's fast reader does not tell of a worksheet: what is hidden, merged, unsaved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from lxml import etree

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MOST_MERGED = 100_000  # cells; what spans more is left as it is
OFF = (None, "0", "false")


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows and columns count from 1."""

    hidden_rows: frozenset[int]
    hidden_columns: frozenset[int]
    spans: Mapping[tuple[int, int], tuple[int, int]]  # (row, column) → the cell that holds the text
    across: frozenset[int]  # rows with a merged cell from the first column on
    last_column: int
    unsaved: int  # formulas whose result is not in the file
    texts: dict[tuple[int, int], str]  # of cells that are merged downwards, filled on the way

    def merged(self, row: int, cells: list[str]) -> tuple[list[str], bool]:
        """The row with merged cells in each place; and whether one cell is all that it has."""
        alone = row in self.across and bool(cells[0]) and not any(cells[1:])
        full = list(cells)
        for i, text in enumerate(cells, 1):
            origin = self.spans.get((row, i))
            if origin == (row, i):
                self.texts[origin] = text
            elif origin is not None:
                full[i - 1] = self.texts.get(origin, "")
        return full, alone


def layout(part: IO[bytes], most_rows: int) -> Layout:
    """Of one worksheet part; `most_rows`: merged cells below that are not looked at."""
    rows: set[int] = set()
    columns: set[int] = set()
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    across: set[int] = set()
    last = number = unsaved = 0
    tags = [f"{S}{name}" for name in ("col", "row", "c", "mergeCell")]
    for _, element in etree.iterparse(part, tag=tags, resolve_entities=False, no_network=True):
        name = element.tag.removeprefix(S)
        if name == "c":
            last = max(last, _place(element.get("r") or "")[1])
            unsaved += element.find(f"{S}f") is not None and not element.findtext(f"{S}v")
            continue  # its row clears it
        if name == "col" and element.get("hidden") not in OFF:
            columns.update(range(_number(element, "min"), min(_number(element, "max"), 1_000) + 1))
        elif name == "row":
            number = _number(element, "r") or number + 1
            if element.get("hidden") not in OFF:
                rows.add(number)
        elif name == "mergeCell":
            _merge(element.get("ref") or "", spans, across, most_rows)
        element.clear()
    return Layout(frozenset(rows), frozenset(columns), spans, frozenset(across), last, unsaved, {})


def _merge(
    ref: str, spans: dict[tuple[int, int], tuple[int, int]], across: set[int], most_rows: int
) -> None:
    first, _, end = ref.partition(":")
    (top, left), (bottom, right) = _place(first), _place(end)
    size = (bottom - top + 1) * (right - left + 1)
    if not top or not left or size < 2 or size + len(spans) > MOST_MERGED or top > most_rows:
        return
    if left == 1 and right > left and top == bottom:
        across.add(top)
    places = ((r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))
    spans.update(dict.fromkeys(places, (top, left)))


def _place(cell: str) -> tuple[int, int]:
    """(row, column) of a name such as AB12; zeros when it is none."""
    match = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", cell)
    if match is None:
        return 0, 0
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def _number(element: Any, name: str) -> int:
    value = element.get(name) or ""
    return int(value) if value.isdigit() and len(value) < 8 else 0
