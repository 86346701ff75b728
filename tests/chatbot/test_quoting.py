"""Quotes are the passages' own words: what is chosen, in which order, how it is shown."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import GenerationError
from chatbot.generation.protocol import Generation, Piece
from chatbot.generation.quoting import (
    MOST,
    MOST_PASSAGES,
    QuotingGenerator,
    choose,
    shown,
)
from chatbot.types import Message
from knowledge.features import Sentence, split
from knowledge.types import BlockKind, Passage
from tests.chatbot.conftest import passage

LETTERS = re.compile(r"[\W_]+")


def ranked(*scored: tuple[Passage, Sequence[float]]) -> tuple[Sentence, ...]:
    """The sentences of passages with these scores, best first."""
    found = [
        replace(sentence, score=score)
        for source, scores in scored
        for sentence, score in zip(split(source), scores, strict=True)
    ]
    return tuple(sorted(found, key=lambda s: -s.score))


def quote(sentences: tuple[Sentence, ...], language: str = "en") -> list[Piece]:
    evidence = tuple({s.passage.id: s.passage for s in sentences}.values())
    request = Generation("?", (), evidence, language, sentences)
    return list(QuotingGenerator().stream(request))


def said(sentences: tuple[Sentence, ...]) -> str:
    return "".join(piece.text for piece in quote(sentences))


def test_the_best_sentence_and_nothing_far_below_it() -> None:
    text = passage("Kettles come in blue. They weigh 2 kg. A kettle costs 79 euros.")
    assert said(ranked((text, (0.05, 0.05, 0.9)))) == "A kettle costs 79 euros."


def test_a_question_that_leans_on_another_gets_less_beside_the_best() -> None:
    warranty = passage("The base of the K1 has a warranty of 2 years.", id=1)
    error = passage("The K1 shows E1 when it is dry.", id=2)
    found = ranked((warranty, (0.9,)), (error, (0.45,)))
    evidence = tuple(s.passage for s in found)
    before = (Message("user", "How long is the warranty of the K2?"),)

    def told(question: str, history: tuple[Message, ...]) -> str:
        request = Generation(question, history, evidence, "en", found)
        return "".join(piece.text for piece in QuotingGenerator().stream(request))

    assert "E1" not in told("and the K1?", before)
    assert "E1" in told("and the K1?", ())  # it leans on nothing
    assert "E1" in told("How long is the warranty of the K1 in your shop?", before)


def test_sentences_worth_telling_come_in_reading_order() -> None:
    text = passage("Kettles cost 79 euros. Delivery takes 3 days. Tea is cheaper.")
    assert said(ranked((text, (0.5, 0.9, 0.05)))) == "Kettles cost 79 euros. Delivery takes 3 days."


def test_no_blank_between_chinese_sentences() -> None:
    text = passage("普通快递运费 10 元。满 99 元包邮。", language="zh-Hans")
    assert said(ranked((text, (0.9, 0.8)))) == "普通快递运费 10 元。满 99 元包邮。"


def test_a_sentence_said_already_is_not_repeated() -> None:
    first = passage("Opened tea cannot be returned to us.", 1)
    second = passage("Opened tea cannot be returned.", 2)
    pieces = quote(ranked((first, (0.9,)), (second, (0.8,))))
    assert [p.passages for p in pieces if p.text] == [(1,)]


def test_at_most_a_few_passages_and_sentences() -> None:
    texts = (
        "Kettles cost 79 euros.",
        "Delivery takes 3 days.",
        "Gold members save 10 percent.",
        "Opened tea is excluded.",
        "Vouchers expire in December.",
    )
    one_each = ranked(*((passage(t, i), (0.9 - i / 100,)) for i, t in enumerate(texts)))
    assert len({s.passage.id for s in choose(one_each)}) <= MOST_PASSAGES < len(texts)
    whole = passage(" ".join(texts))
    scores = (0.5, 0.6, 0.7, 0.8, 0.9)
    assert [s.text for s in choose(ranked((whole, scores)))] == list(texts[-MOST:])


TABLE = passage(
    "Code: E1 | Meaning: dry boil | Action: add water\n"
    "Code: E2 | Meaning: sensor fault | Action: repair\n"
    "Code: E3 | Meaning: lid open | Action: close it",
    3,
    "table",
)


def test_rows_of_a_table_are_lines_of_a_list() -> None:
    assert said(ranked((TABLE, (0.9, 0.8, 0.01)))) == (
        "- Code: E1 · Meaning: dry boil · Action: add water\n"
        "- Code: E2 · Meaning: sensor fault · Action: repair"
    )


def test_beside_a_chosen_sentence_less_is_enough() -> None:
    near = passage("Kettles cost 79 euros. The fee is included.", 1)
    far = passage("Delivery takes 3 days.", 2)
    found = ranked((near, (0.9, 0.2)), (far, (0.2,)))
    assert said(found) == "Kettles cost 79 euros. The fee is included."


def test_a_row_may_stand_beside_sentences_but_rows_come_from_one_table() -> None:
    prose = passage("Error codes are shown on the base.", 4)
    other = passage("Code: E1 | Model: K9", 5, "table")
    found = ranked((TABLE, (0.9, 0.01, 0.01)), (prose, (0.6,)), (other, (0.8,)))
    assert said(found) == (
        "- Code: E1 · Meaning: dry boil · Action: add water\n\nError codes are shown on the base."
    )


def test_lines_of_a_list_keep_their_lines_and_lose_their_marks() -> None:
    steps = passage("1. Unplug the kettle.\n2. Fill in vinegar.\n* Rinse twice.", 5, "list")
    assert said(ranked((steps, (0.9, 0.8, 0.7)))) == (
        "- Unplug the kettle.\n- Fill in vinegar.\n- Rinse twice."
    )


def test_a_number_that_begins_a_sentence_is_not_a_mark() -> None:
    (sentence,) = split(passage("30 days are enough."))
    assert shown(sentence) == "30 days are enough."


def test_an_approved_answer_comes_verbatim_and_alone() -> None:
    answer = "Yes. We do – until 6 pm!\nOn Sundays: no."
    faq = passage(f"Are you open?\n{answer}", 6, "faq")
    prose = passage("We are open until 6 pm.", 7)
    assert said(ranked((faq, (0.9,)), (prose, (0.89,)))) == answer


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The warranty lasts 24 months. It does not cover the lid.", "en"),
        ("保修期为 24 个月。逾期需付费维修。", "zh-Hans"),
    ],
)
def test_a_pronoun_brings_the_sentence_before_it(text: str, language: str) -> None:
    leaning = passage(text, language=language)
    assert said(ranked((leaning, (0.01, 0.9)))) == text


def test_without_a_pronoun_it_stands_alone() -> None:
    text = passage("The warranty lasts 24 months. Lids are not covered.")
    assert said(ranked((text, (0.01, 0.9)))) == "Lids are not covered."


def test_every_piece_names_its_source() -> None:
    text = passage("Kettles cost 79 euros. Delivery takes 3 days.", 8)
    *pieces, last = quote(ranked((text, (0.9, 0.8))))
    assert [(p.passages, p.sentence) for p in pieces] == [
        ((8,), "Kettles cost 79 euros."),
        ((8,), "Delivery takes 3 days."),
    ]
    assert (last.stop, last.engine) == ("end", "quoting")


def test_without_sentences_it_says_so() -> None:
    with pytest.raises(GenerationError, match="no ranked sentences"):
        quote(())


WORD = st.text(alphabet=string.ascii_letters + "退货壶茶天元0123456789", min_size=1, max_size=8)
LINE = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
BEGIN = st.sampled_from(["", "- ", "* ", "3. ", "It ", "逾期"])
END = st.sampled_from(["", ".", "。", "?"])
MARKED = st.tuples(BEGIN, LINE, END).map("".join)
KIND: st.SearchStrategy[BlockKind] = st.sampled_from(["text", "list", "table", "code", "faq"])


@st.composite
def passages(draw: st.DrawFn) -> list[Passage]:
    built = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(KIND)
        joint = draw(st.sampled_from(["\n", " ", " | "])) if kind != "faq" else "\n"
        lines = draw(st.lists(MARKED, min_size=2, max_size=5))
        built.append(passage(joint.join(lines), number, kind))
    return built


@settings(deadline=None)
@given(passages(), st.randoms(use_true_random=False), st.sampled_from(["en", "zh-Hans"]))
def test_no_word_is_added(sources: list[Passage], random: object, language: str) -> None:
    found = [
        replace(s, score=random.random())  # type: ignore[attr-defined]
        for source in sources
        for s in split(source)
    ]
    best_first = tuple(sorted(found, key=lambda s: -s.score))
    texts = {source.id: source.text for source in sources}
    pieces = [piece for piece in quote(best_first, language) if piece.text]
    assert pieces
    for piece in pieces:
        own = texts[piece.passages[0]]
        assert piece.sentence in own
        assert LETTERS.sub("", piece.text) in LETTERS.sub("", own)
    assert len(choose(best_first)) == len(pieces) <= MOST
    assert len({piece.passages for piece in pieces}) <= MOST_PASSAGES
