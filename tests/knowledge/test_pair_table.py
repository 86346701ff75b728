"""Approved answers as a table: safe in a spreadsheet, and the same when they come back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from knowledge.errors import KnowledgeError
from knowledge.pair_table import pairs_of, written
from knowledge.pairs import Pair
from knowledge.types import FaqPair

PAIR = Pair(
    "0" * 12, "default", "q", "a", (), "en", "hand", "on", (), None, None, (), 0, "", "", "", 1
)
NASTY = ("=1+1", "+1", "-5 °C", "@SUM(A1)", "  =A1", "\t=A1", "'=A1", "''@x", "＝1", "'tis so")


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_no_cell_begins_like_a_formula() -> None:
    pairs = [replace(PAIR, question=text, answer=text, phrasings=(text,)) for text in NASTY]
    for row in rows(written(pairs))[1:]:
        for cell in row:
            assert cell.lstrip()[0] not in "=+-@\t\r＝＋－＠", cell


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    pairs = [
        replace(PAIR, question=f"Is {n} it?", answer=f'{text}\nand, "more"', phrasings=ways)
        for n, (text, ways) in enumerate(((t, ("a", t)) for t in ("=1+1", "-5 °C", "普通")), 1)
    ]
    path.write_text(written([*pairs, PAIR]), encoding="utf-8-sig", newline="")
    back, warnings = pairs_of(path, 25)
    assert back == [*(pair.text for pair in pairs), FaqPair("q", "a")]
    assert warnings == ()


def test_a_workbook_is_read_too(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["问题", "答案", "相似问1"],
        ["能退吗？", "'=7 天", "可以退？"],
        ["只有问题", "", ""],
    ):
        sheet.append(row)
    book.save(tmp_path / "pairs.xlsx")
    back, warnings = pairs_of(tmp_path / "pairs.xlsx", 25)
    assert back == [FaqPair("能退吗？", "=7 天", ("可以退？",))]
    assert "1 rows" in warnings[0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("prices.csv", "item,price\ntea,3\n", "a column 'question' and a column 'answer'"),
        ("empty.csv", "question,answer\n", "no text was found|needs a column"),
        ("nothing.csv", "", "is empty"),
        ("notes.md", "# q", "csv and xlsx"),
        ("broken.xlsx", "PK\x03\x04", "damaged"),
        ("missing.csv", None, "no such file"),
    ],
)
def test_a_file_that_is_no_table_of_pairs(
    tmp_path: Path, name: str, text: str | None, words: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError, match=words):
        pairs_of(path, 25)
