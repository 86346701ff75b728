"""Approved answers as a table that spreadsheets open safely, and back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from knowledge.errors import UnreadableFile
from knowledge.load import check_type, load_limited
from knowledge.pairs import Pair
from knowledge.types import FaqPair

TABLES = (".csv", ".xlsx")
# A cell that begins so is run as a formula (CWE-1236); Excel takes the full-width signs, too.
FORMULA = re.compile(r"'*\s*[=+\-@\t\r＝＋－＠]")


def written(pairs: Sequence[Pair]) -> str:
    """CSV with a column for each phrasing; cells that could be formulas begin with '."""
    most = max((len(pair.phrasings) for pair in pairs), default=0)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["question", "answer", *(f"phrasing {n}" for n in range(1, most + 1))])
    for pair in pairs:
        table.writerow([_guarded(c) for c in (pair.question, pair.answer, *pair.phrasings)])
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
        FaqPair(_plain(f.question), _plain(f.answer), tuple(_plain(p) for p in f.phrasings))
        for f in parsed.faqs
    ]
    return pairs, parsed.warnings


def _guarded(cell: str) -> str:
    return f"'{cell}" if FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    """A cell without the mark that `written` puts before formulas."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
