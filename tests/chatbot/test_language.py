"""Short, mixed and Traditional messages get the language that a person would answer in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot import labelled
from chatbot.language import Spoken, detect, spoken

CONFIGURED = ("zh-Hans", "zh-Hant", "en")
LABELLED = Path(__file__).parents[1] / "data" / "languages.csv"  # written for this project


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("退款", "zh-Hans"),  # langdetect: Korean, 0.99999
        ("我要退款", "zh-Hans"),
        ("退貨", "zh-Hant"),
        ("請問可以退貨嗎", "zh-Hant"),
        ("hi", "en"),  # langdetect: Swahili
        ("refund pls", "en"),  # langdetect: Danish
        ("K1 kettle 保修多久", "zh-Hans"),
        ("what does 保修 mean", "en"),
        ("What is 龙井?", "en"),
        ("返品したいです", "ja"),
        ("환불해 주세요", "ko"),
        ("где мой заказ", "ru"),
        ("أين طلبي", "ar"),
    ],
)
def test_short_and_mixed(text: str, expected: str) -> None:
    assert detect(text, CONFIGURED) == expected


@pytest.mark.parametrize("text", ["12345", "", "👍", "???", "E2", "K1-B?", "SL2403150021", "OK"])
@pytest.mark.parametrize("session", CONFIGURED)
def test_what_is_written_alike_everywhere_keeps_the_conversations_language(
    text: str, session: str
) -> None:
    assert detect(text, CONFIGURED, session) == session


def test_without_a_conversation_the_first_configured_language_is_assumed() -> None:
    assert detect("12345", CONFIGURED) == "zh-Hans"
    assert detect("12345", ("en", "zh-Hans")) == "en"


def test_characters_of_both_scripts_follow_the_conversation() -> None:
    assert detect("可以", CONFIGURED, "zh-Hant") == "zh-Hant"
    assert detect("可以", CONFIGURED, "zh-Hans") == "zh-Hans"
    assert detect("可以", CONFIGURED, "en") == "zh-Hans"


def test_a_customer_may_change_the_language() -> None:
    assert detect("refund pls", CONFIGURED, "zh-Hans") == "en"
    assert detect("我要退款", CONFIGURED, "en") == "zh-Hans"


def test_a_configured_language_is_left_only_when_sure() -> None:
    assert detect("danke", CONFIGURED) == "en"  # one word is too little to leave for
    assert detect("danke", ("en", "de")) == "de"
    assert detect("Mi pedido de Tie Guan Yin", CONFIGURED) == "es"
    german = "Wo ist meine Bestellung, die ich letzte Woche aufgegeben habe?"
    assert detect(german, CONFIGURED) == "de"
    assert detect(german, ("de", "en")) == "de"


@pytest.mark.parametrize(
    ("text", "main", "second"),
    [
        ("我的 order 什么时候到", "zh-Hans", "en"),
        ("我想 cancel my order", "zh-Hans", "en"),
        ("what does 保修 mean", "en", "zh-Hans"),
        ("is 茶葉 the same as tea", "en", "zh-Hant"),
        ("K1 Pro 连不上 wifi", "zh-Hans", None),  # product names and loans are no second language
        ("订单SL2403150021到哪了", "zh-Hans", None),
        ("where is my order", "en", None),
    ],
)
def test_a_mixed_turn_keeps_both(text: str, main: str, second: str | None) -> None:
    assert spoken(text, CONFIGURED) == Spoken(main, second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wo yao tuikuan", "zh-Hans"),
        ("ni hao", "zh-Hans"),
        ("can you help me", "en"),  # can, you, me are pinyin too
        ("where is my longjing", "en"),
    ],
)
def test_pinyin_is_chinese(text: str, expected: str) -> None:
    assert detect(text, CONFIGURED) == expected
    assert detect(text, ("en",)) == "en"


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=80), st.sampled_from(["zh-Hant", "en", None]))
def test_any_text_has_a_language(text: str, session: str | None) -> None:
    found = spoken(text, CONFIGURED, session)
    assert found.main and found.main != found.second
    assert detect(text, CONFIGURED, session) == found.main


def test_long_and_odd_texts_take_no_longer_than_a_turn_may() -> None:
    assert detect("tea " * 5_000, CONFIGURED) == "en"
    assert detect("ma" * 5_000, CONFIGURED) in ("en", "zh-Hans")
    assert detect("\x00\x07", CONFIGURED, "en") == "en"


@pytest.mark.parametrize("held_out", [False, True])
def test_labelled_utterances(held_out: bool) -> None:
    """1,035 short, mistyped and mixed ones; a third was looked at once, when all was written."""
    rows = [row for row in labelled.utterances(LABELLED) if row.held_out is held_out]
    report = labelled.languages(rows, CONFIGURED)
    assert len(rows) >= 300
    assert report["accuracy"] >= 0.995, report["wrong"]
