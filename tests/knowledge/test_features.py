"""Sentences of passages and the numbers that compare them with a question."""

from __future__ import annotations

import numpy as np
import pytest

from knowledge.features import (
    COLUMN,
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Asked,
    Sentence,
    above,
    question_features,
    sentence_features,
    split,
    take_apart,
)
from knowledge.keywords import query_terms, terms
from knowledge.types import BlockKind, Passage


def _passage(text: str, kind: BlockKind = "text", **more: object) -> Passage:
    values = {
        "id": 1,
        "document_id": "d1",
        "collection": "default",
        "document": "kettle.md",
        "title": "Kettle",
        "heading": "Facts",
        "language": "en",
        "cosine": 0.8,
        "score": 0.5,
    }
    return Passage(text=text, kind=kind, **(values | more))  # type: ignore[arg-type]


def _asked(question: str, known: str, context: str = "") -> Asked:
    idf = {term: 1.0 for term in query_terms(question)}
    return take_apart(question, context, idf, set(terms(known)))


def _column(question: Asked, texts: list[str], name: str) -> list[float]:
    found = [s for text in texts for s in split(_passage(text, heading="", title=""))]
    rows = sentence_features(question, found, *np.full((3, len(found)), 0.5))
    return [float(value) for value in rows[:, COLUMN[name]]]


def test_text_is_split_at_sentences_tables_at_rows_answers_stay_whole() -> None:
    assert [s.text for s in split(_passage("It is white. It holds 900 ml."))] == [
        "It is white.",
        "It holds 900 ml.",
    ]
    rows = split(_passage("Code: E1 | Meaning: dry. boil\nCode: E2 | Meaning: sensor", "table"))
    assert [(s.position, s.text) for s in rows] == [
        (0, "Code: E1 | Meaning: dry. boil"),
        (1, "Code: E2 | Meaning: sensor"),
    ]
    (faq,) = split(_passage("Can I return it?\nYes. Within 30 days.", "faq"))
    assert faq.text == "Yes. Within 30 days."
    assert above(faq) == "Kettle › Facts › Can I return it?"
    assert above(rows[0]) == "Kettle › Facts"


def test_every_sentence_is_a_verbatim_part_of_its_passage() -> None:
    text = "普通快递运费 10 元。满 99 元包邮！Is 2.5 kg too heavy? No, e.g. 3 kg is fine."
    parts = split(_passage(text))
    assert len(parts) >= 3
    assert all(part.text in text for part in parts)


def test_the_words_of_a_question_that_no_document_knows() -> None:
    asked = _asked("Do you sell matcha whisks?", "we sell tea and whisks")
    assert [word.text for word in asked.unknown()] == ["matcha"]


def test_an_earlier_turn_only_lends_its_identifiers() -> None:
    assert _asked("how loud is it", "", "tell me about the K1").names == {"k1"}
    assert _asked("how loud is the K2", "", "tell me about the K1").names == {"k2"}
    assert "tell" not in {w.text for w in _asked("how loud is it", "", "tell me").words}


def test_each_identifier_asked_for_counts_by_itself() -> None:
    """E1 on the K2 is no answer about E3 on the K2; a sentence on the K2 alone may be."""
    asked = _asked("what does E3 on the K2 mean", "e3 k2 mean")
    texts = ["E1 on the K2: lid open.", "E3 on the K2: sensor.", "The K2 needs repair.", "E3: it."]
    assert _column(asked, texts, "other_identifier") == [1.0, 0.0, 0.0, 0.0]


def test_another_identifier_gives_a_near_miss_away() -> None:
    asked = _asked("What does E5 mean?", "e1 e2 mean")
    texts = ["E2 means a sensor fault.", "E5 means low battery.", "It is a kettle."]
    assert _column(asked, texts, "identifiers") == [0.0, 1.0, 0.0]
    assert _column(asked, texts, "other_identifier") == [1.0, 0.0, 0.0]


def test_a_kind_asked_for_and_not_held() -> None:
    asked = _asked("How much is express?", "express")
    texts = ["Express costs $25.", "Express is quick."]
    assert _column(asked, texts, "kind_held") == [1.0, 0.0]
    assert _column(asked, texts, "kind_missing") == [0.0, 1.0]
    assert _column(_asked("Is express quick?", "express"), texts, "kind_held") == [0.5, 0.5]


def test_coverage_counts_synonyms_only_among_content_words() -> None:
    asked = _asked("is postage refundable", "shipping refund")
    texts = ["Shipping is not refunded.", "Black and white."]
    assert _column(asked, texts, "words_above")[0] > _column(asked, texts, "words_above")[1] == 0
    assert _column(asked, texts, "covered")[1] == 0


def test_shapes_and_finite_numbers_also_for_a_question_without_words() -> None:
    found = split(_passage("It is white. It holds 900 ml.")) + split(
        _passage("运费 10 元。", document_id="d2", language="zh-Hans")
    )
    for question in ("How big is it?", "？？", "a"):
        asked = _asked(question, "white")
        read = np.linspace(-9, 9, len(found))
        rows = sentence_features(asked, found, np.linspace(0.3, 0.8, len(found)), read, -read)
        assert rows.shape == (3, len(SENTENCE_FEATURES))
        scores = np.array([0.0, 1.0, 0.5])
        row = question_features(asked, rows, scores, found, "zh-Hant")
        assert row.shape == (len(QUESTION_FEATURES),)
        assert np.isfinite(rows).all() and np.isfinite(row).all()
        assert row[QUESTION_FEATURES.index("chinese")] == 1.0


def test_one_sentence_is_enough_for_a_picture() -> None:
    (only,) = split(_passage("It is white."))
    asked = _asked("Is it white?", "white")
    rows = sentence_features(asked, [only], np.array([0.5]), np.array([2.0]), np.array([1.0]))
    row = question_features(asked, rows, np.array([0.5]), [only], "en")
    assert row[0] == pytest.approx(0.0)
    assert row[QUESTION_FEATURES.index("second")] == pytest.approx(-3.0)
    assert isinstance(only, Sentence)
