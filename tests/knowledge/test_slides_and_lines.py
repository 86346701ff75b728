"""PowerPoint files and JSON lines, and ones that are damaged or hold nothing to read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from knowledge.errors import UnreadableFile
from knowledge.load import load

from .files import make_pptx


def _written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_pptx(tmp_path: Path) -> None:
    parsed = load(make_pptx(tmp_path / "talk.pptx"))
    assert [(b.text, b.kind, b.heading, b.page) for b in parsed.blocks] == [
        ("- Base: two years\n- Lid: six months", "list", ("Warranty",), 1),
        ("Within 30 days", "text", ("Returns",), 3),
        ("Region: EU | Days: 14", "table", ("Returns",), 3),
    ]
    assert parsed.warnings == ("1 hidden slides were left out.", "1 hidden notes were left out.")
    assert (parsed.pages, parsed.empty_pages) == (3, 0)


def test_a_damaged_pptx_says_so(tmp_path: Path) -> None:
    path = make_pptx(tmp_path / "talk.pptx")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "half.pptx", "w") as half:
        for entry in whole.infolist():
            if "slides/slide1" not in entry.filename:
                half.writestr(entry, whole.read(entry))
    with pytest.raises(UnreadableFile, match=r"half\.pptx"):
        load(tmp_path / "half.pptx")


def test_jsonl_articles_and_approved_answers(tmp_path: Path) -> None:
    parsed = load(
        _written(
            tmp_path / "export.jsonl",
            '{"title": "Parking", "body": "Two hours are free.\\n\\nThen $2 an hour."}\n'
            "not json\n\n"
            '{"question": "怎么退货？", "answer": "在订单页申请。", "similar": ["如何退货", 7]}\n'
            '{"id": 3}\n',
        )
    )
    assert [(b.text, b.heading) for b in parsed.blocks] == [
        ("Two hours are free.", ("Parking",)),
        ("Then $2 an hour.", ("Parking",)),
    ]
    assert [(f.question, f.answer, f.phrasings) for f in parsed.faqs] == [
        ("怎么退货？", "在订单页申请。", ("如何退货",))
    ]
    assert parsed.warnings == ("2 lines were left out: 2, 5.",)


def test_jsonl_without_anything_to_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no line has a question and an answer"):
        load(_written(tmp_path / "log.jsonl", '{"level": "info"}\n[1]\n'))
