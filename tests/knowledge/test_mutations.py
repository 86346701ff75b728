"""Damaged documents: each is read, or refused with a reason, and the next one is read as before.

Byte changes of a zip only trip its checksums, so of office files the XML inside is changed.
"""

from __future__ import annotations

import os
import random
import zipfile
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from knowledge.errors import KnowledgeError
from knowledge.load import LimitedLoader

from .files import make_docx, make_pdf, make_pptx, rezipped, texts

MUTATIONS = int(os.environ.get("ZHIKE_MUTATIONS", "60"))
TOKENS = (
    *(b"<", b">", b"&", b'"', b"\0", b"\xff", b"]]>", b"<!--", b"&#0;", b"&#x110000;", b"\n\n"),
    *(b"99999999999999999999", b"-1", b"|", b"```", b"<table>", b"</", b"{", b"[", b"%", b"\r"),
)
TEXTS = {
    ".md": "# T\n\nA **b** [c](https://a.example).\n\n- x\n  1. y\n\n|a|b|\n|---|---|\n|1|2|\n",
    ".txt": "退货说明\n\n一、期限\n\n签收后七天内。\n\n- 茶\n- 壶\n\n名称  价格\n壶    399\n",
    ".html": "<html><body><h1>T</h1><p style='color:red'>x <b>y</b></p><ul><li>a<ul><li>b</ul></ul>"
    "<table><tr><th colspan=2>A</th></tr><tr><td rowspan=2>1</td><td>2</td></tr></table></body>",
    ".csv": 'question,answer,similar\n"Free?","Yes, ""all""",x|y\nB?,C.,\n',
    ".json": '{"articles": [{"title": "A", "body": "<p>x</p>", "draft": false}, {"id": 2}]}',
    ".jsonl": '{"title": "A", "body": "x"}\n{"question": "q?", "answer": "a."}\n',
}


def _originals(folder: Path) -> list[Path]:
    for suffix, text in TEXTS.items():
        (folder / f"a{suffix}").write_text(text, "utf-8")
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["Item", "Price"], ["Pot", 59], ["Cup", 5]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(folder / "a.xlsx")
    make_docx(folder / "a.docx")
    make_pptx(folder / "a.pptx")
    make_pdf(folder / "a.pdf", [(50, 700, 12, "Tea keeps"), (50, 650, 20, "Dry")])
    return sorted(folder.glob("a.*"))


def _changed(data: bytes, chance: random.Random) -> bytes:
    """One to eight changes: bytes flipped, cut out, repeated, or something odd put in."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(out) + 1)
        length = chance.choice((1, 3, 20, 200))
        match chance.randrange(4):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                del out[at : at + length]
            case 2:
                out[at:at] = out[at : at + length] * chance.choice((1, 2, 50))
            case _:
                out[at:at] = chance.choice(TOKENS)
    return bytes(out)


def _mutant(original: Path, folder: Path, number: int) -> Path:
    chance = random.Random(number)
    path = folder / f"{number}{original.suffix}"
    data = original.read_bytes()
    if original.suffix not in (".docx", ".xlsx", ".pptx"):
        path.write_bytes(_changed(data, chance))
        return path
    path.write_bytes(data)
    with zipfile.ZipFile(path) as package:
        parts = [n for n in package.namelist() if n.endswith((".xml", ".rels"))]
    main = [n for n in parts if n.endswith(("document.xml", "sheet1.xml", "slide1.xml"))]
    part = chance.choice(main if chance.random() < 0.5 else parts)
    return rezipped(path, part, lambda xml: _changed(xml, chance))


@pytest.mark.slow
def test_mutated_documents_are_read_or_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    originals = _originals(tmp_path / "whole")
    assert len(originals) == 10
    found: Counter[str] = Counter()
    with LimitedLoader(25) as loader:
        for original in originals:
            assert loader.load(original).characters
        child = loader._child
        for number in range(MUTATIONS):
            path = _mutant(originals[number % len(originals)], tmp_path, number)
            try:
                assert loader.load(path).characters > 0
                found["read"] += 1
            except KnowledgeError as error:
                found["refused"] += 1
                assert str(error).startswith(path.name) and str(error).endswith("."), error
                assert "took too long" not in str(error), error
                assert len(str(error)) < 600
            path.unlink()
        assert loader._child is child, "no mutant ended the reading process"
        assert texts(loader.load(originals[0])) == texts(loader.load(originals[0]))
    assert found["read"] > MUTATIONS / 4 and found["refused"] > MUTATIONS / 20, found
