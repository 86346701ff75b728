"""Sentences, and chunks of bounded size that are verbatim parts of the document."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.embedder import PackagedE5
from knowledge.split import embedded_text, sentences, split
from knowledge.types import Block, Chunk, FaqPair, Parsed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("一句。两句！三句？", ["一句。", "两句！", "三句？"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("It costs 2.50 yuan. Pay now.", ["It costs 2.50 yuan.", "Pay now."]),
        ("Ask Mr. Li, e.g. by phone. He knows.", ["Ask Mr. Li, e.g. by phone.", "He knows."]),
        ("See www.shop.example/a?b=1. Then order!", ["See www.shop.example/a?b=1.", "Then order!"]),
        ("1. Open the app. Tap it.\n2. Done", ["1. Open the app.", "Tap it.", "2. Done"]),
        ("Tea, pots, etc. We ship.", ["Tea, pots, etc.", "We ship."]),
        ("Code: E1 | Do: Wait. Then fill. | Min: 5", ["Code: E1 | Do: Wait. Then fill. | Min: 5"]),
        ("Open 9 a.m. to 5 p.m. daily.", ["Open 9 a.m. to 5 p.m. daily."]),
        ("Really?! Yes...", ["Really?!", "Yes..."]),
        ("版本 2.0 发布了。更新吧", ["版本 2.0 发布了。", "更新吧"]),
        ("", []),
        ("\n \n", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.text(alphabet="aB1 .。!？?\n“”|:,，)1茶壶", max_size=120))
def test_sentences_are_the_text_in_order(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    rest = text
    for sentence in sentences(text):
        assert sentence in rest
        rest = rest[rest.index(sentence) + len(sentence) :]


def test_headings_are_not_mixed_and_tables_stand_alone(embedder: PackagedE5) -> None:
    parsed = Parsed(
        "T",
        (
            Block("one", heading=("A",)),
            Block("- two", "list", heading=("A",)),
            Block("x: 1\nx: 2", "table", heading=("A",)),
            Block("three", heading=("A", "B"), page=2),
        ),
        (FaqPair("q?", "a."),),
    )
    assert split(parsed, embedder.count, 100) == [
        Chunk("one\n- two", "A", "text"),
        Chunk("x: 1\nx: 2", "A", "table"),
        Chunk("three", "A › B", "text", 2),
        Chunk("q?\na.", "", "faq"),
    ]


def test_what_is_embedded() -> None:
    assert embedded_text("T", Chunk("x", "A › B")) == "T › A › B\nx"
    assert embedded_text("", Chunk("x", "")) == "x"
    assert embedded_text("faq", Chunk("q?\na.", "", "faq")) == "q?\na."


def test_long_table_breaks_between_rows(embedder: PackagedE5) -> None:
    rows = [f"Product: kettle number {i} | Price: {i} yuan" for i in range(40)]
    chunks = split(Parsed("T", (Block("\n".join(rows), "table"),)), embedder.count, 60)
    assert [row for chunk in chunks for row in chunk.text.split("\n")] == rows
    assert max(embedder.count(chunk.text) for chunk in chunks) <= 60


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text(alphabet="退货运费abc defg. 。，,", min_size=1, max_size=400),
        min_size=1,
        max_size=4,
    )
)
def test_chunks_are_small_verbatim_and_complete(embedder: PackagedE5, texts: list[str]) -> None:
    blocks = tuple(Block(text.strip()) for text in texts if text.strip())
    chunks = split(Parsed("T", blocks), embedder.count, 40)
    assert all(embedder.count(chunk.text) <= 40 for chunk in chunks)
    joined = "".join("".join(chunk.text for chunk in chunks).split())
    assert joined == "".join("".join(block.text for block in blocks).split())
