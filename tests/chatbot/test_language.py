"""Short, mixed and Traditional messages get the language that a person would answer in."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from chatbot.language import detect

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
    assert detect("Mi pedido de Tie Guan Yin", CONFIGURED) == "en"
    german = "Wo ist meine Bestellung, die ich letzte Woche aufgegeben habe?"
    assert detect(german, CONFIGURED) == "de"
    assert detect(german, ("de", "en")) == "de"


def test_labelled_utterances() -> None:
    with LABELLED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(row["text"], row["language"], detect(row["text"], CONFIGURED)) for row in rows]
    wrong = [one for one in found if one[1] != one[2]]
    accuracy = 1 - len(wrong) / len(rows)
    print(f"{len(rows)} utterances, accuracy {accuracy:.3f}, wrong: {wrong}")
    assert len(rows) >= 120
    assert accuracy >= 0.97, wrong
