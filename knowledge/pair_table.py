"""Approved answers as a table that spreadsheets open safely, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from knowledge.csv_cells import guarded, unguarded
from knowledge.errors import UnreadableFile
from knowledge.load import check_type, load_limited
from knowledge.pairs import Pair
from knowledge.types import FaqPair

TABLES = (".csv", ".xlsx")


def written(pairs: Sequence[Pair]) -> str:
    """CSV with a column for each phrasing; cells that could be formulas begin with '."""
    most = max((len(pair.phrasings) for pair in pairs), default=0)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["question", "answer", *(f"phrasing {n}" for n in range(1, most + 1))])
    for pair in pairs:
        table.writerow([guarded(c) for c in (pair.question, pair.answer, *pair.phrasings)])
    return out.getvalue()


def pairs_of(path: Path, max_mb: int) -> tuple[list[FaqPair], tuple[str, ...]]:
    """The pairs of a CSV or XLSX file and warnings, each a sentence.

    Raises UnreadableFile when it is no such file, is damaged or has not the columns.
    """
    if path.suffix.lower() not in TABLES:
        raise UnreadableFile(f"{path.name}: approved answers are read from csv and xlsx files.")
    if not path.is_file():
        raise UnreadableFile(f"{path}: there is no such file.")
    try:
        check_type(path)
        parsed = load_limited(path, max_mb)
    except OSError as error:
        raise UnreadableFile(f"{path}: it cannot be read ({error.strerror}).") from error
    if parsed.blocks or not parsed.faqs:
        raise UnreadableFile(
            f"{path.name}: it needs a column 'question' and a column 'answer' (问题, 答案) "
            "and a row below them; columns named 'phrasing …' (问法) may follow."
        )
    pairs = [
        FaqPair(unguarded(f.question), unguarded(f.answer), tuple(map(unguarded, f.phrasings)))
        for f in parsed.faqs
    ]
    return pairs, parsed.warnings
