"""Texts become numbers: what is read of them, and what counts as English."""

from __future__ import annotations

import numpy as np
import pytest

from chatbot.intents.features import LONGEST, is_english, learned, plain
from tests.chatbot.intents.texts import FAR, vectors

TEXTS = ["where is my parcel", "退款到账了吗", "café closed"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("  Where\tIS\nmy  PARCEL ", "where is my parcel"),
        ("退貨運費", "退货运费"),
        ("ＡＢＣ１２３", "abc123"),
        ("a\u200b\x00b", "a b"),
        ("🙂", "🙂"),
        ("\x07\u200b ", ""),
        ("x" * 5_000, "x" * LONGEST),
    ],
)
def test_plain(text: str, read: str) -> None:
    assert plain(text) == read


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("where is it", True),
        ("où est mon café", True),
        ("K2 怎么用", False),
        ("где посылка", False),
        ("123 🙂", False),
        ("", False),
    ],
)
def test_english(text: str, english: bool) -> None:
    assert is_english(text) is english


def test_both_kinds_of_ngrams_have_length_one() -> None:
    features = learned(TEXTS, {"e5": vectors(TEXTS)}, {"e5": vectors(FAR)})
    lengths = np.sqrt(features.grams(TEXTS).power(2).sum(1)).ravel()
    # Chinese has no Latin words, so only its characters count.
    assert np.allclose(lengths, [np.sqrt(2), 1, np.sqrt(2)], atol=1e-4)


def test_unknown_ngrams_and_empty_texts_are_zero() -> None:
    features = learned(TEXTS, {"e5": vectors(TEXTS)}, {"e5": vectors(FAR)})
    unknown, empty = features.grams(["ΩΩΩ", ""]).toarray()
    assert np.count_nonzero(unknown) <= 1  # the blank around a word
    assert not empty.any()


def test_the_english_block_is_zero_for_other_texts() -> None:
    both = {"e5": vectors(TEXTS), "minilm": vectors(TEXTS)}
    dense = learned(TEXTS, both, {"e5": vectors(FAR), "minilm": vectors(FAR)}).dense(TEXTS, both)
    assert dense.shape == (3, 32)
    assert not dense[1, 16:].any() and dense[0, 16:].any() and dense[1, :16].any()
