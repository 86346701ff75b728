"""Table cells that no spreadsheet takes for a formula (CWE-1236)."""

from __future__ import annotations

import re

FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\0])")


def guarded(cell: str) -> str:
    """With ' in front where a spreadsheet would calculate, also after blanks."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """What guarded() was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell
