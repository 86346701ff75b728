"""Content words, their rarity and their synonyms."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from knowledge.content_words import COMMONEST, content_words
from knowledge.keywords import terms


def _texts(question: str) -> list[str]:
    return [word.text for word in content_words(question)]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Can I return the opened tea?", ["return", "opened", "tea"]),
        ("K2 E2 怎么办", ["k2", "e2"]),
        ("请问退货的运费是多少", ["退货", "运费"]),
        ("請問退貨的運費是多少", ["退货", "运费"]),
        ("tea, tea and more tea", ["tea", "more"]),
        ("？！", []),
        ("", []),
    ],
)
def test_what_carries_the_meaning(question: str, words: list[str]) -> None:
    assert _texts(question) == words


def test_rare_words_weigh_more() -> None:
    rarity = {w.text: w.rarity for w in content_words("return the matcha 退货 紫砂壶")}
    assert rarity["matcha"] > rarity["return"]
    assert rarity["紫砂壶"] > 0
    assert all(0 <= value <= COMMONEST for value in rarity.values())
    (invented,) = content_words("zzyzxqq")
    assert invented.rarity == COMMONEST


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("postage", "Shipping costs $8."),
        ("guarantee", "The warranty is two years."),
        ("warranties", "The warranty is two years."),
        ("voucher", "A gift card is valid for three years."),
        ("运费", "邮费 10 元"),
        ("质保", "保修两年"),
        ("退款", "三天内退钱"),
    ],
)
def test_a_synonym_or_another_ending_counts_as_found(question: str, passage: str) -> None:
    (word,) = content_words(question)
    assert word.among(set(terms(passage)))


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("postage", "Opened tea cannot be returned."),
        ("gaiwan", "The teapot has a lid."),
        ("voucher", "A gift is valid."),  # "gift card" needs both words
        ("运费", "保修两年"),
        ("紫砂", "紫色的沙"),
    ],
)
def test_another_word_does_not(question: str, passage: str) -> None:
    (word,) = content_words(question)
    assert not word.among(set(terms(passage)))


def test_every_synonym_of_a_group_finds_the_others() -> None:
    text = (files("knowledge") / "data" / "synonyms.toml").read_text("utf-8")
    groups = tomllib.loads(text)["groups"]
    assert len(groups) >= 50
    assert all(len(group) == len(set(group)) >= 2 for group in groups)
    for first, second in (("parcel", "package"), ("快递", "物流")):
        forms = content_words(first)[0].forms
        assert any(form <= set(terms(second)) for form in forms)
