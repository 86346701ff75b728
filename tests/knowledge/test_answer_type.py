"""Kinds of value: asked for in a question, held by a sentence."""

from __future__ import annotations

import pytest

from knowledge.answer_type import answers, asked, held

ASKED = [
    ("How much is express shipping?", "money"),
    ("what's the price of the K2", "money"),
    ("How long does delivery take?", "duration"),
    ("when do you ship my order?", "date"),
    ("how many infusions can I make", "number"),
    ("what temperature for green tea", "temperature"),
    ("how heavy is the kettle", "weight"),
    ("how loud is the K2", "sound"),
    ("which colours are there", "colour"),
    ("How big is the kettle?", "volume"),
    ("how many watts does it have", "power"),
    ("how long is the cable", "length"),
    ("what phone number can I call", "contact"),
    ("how much off do I get with the coupon", "percent"),
    ("运费多少钱", "money"),
    ("快递几天能到", "duration"),
    ("几点下班", "date"),
    ("最多能买几个", "number"),
    ("绿茶用多少度的水", "temperature"),
    ("壶有多重", "weight"),
    ("声音有多大", "sound"),
    ("有哪些颜色", "colour"),
    ("容量是多少", "volume"),
    ("功率多大", "power"),
    ("线有多长", "length"),
    ("电话是多少", "contact"),
    ("打几折", "percent"),
]
YES_OR_NO = [
    "Can I return opened tea?",
    "Is there a warranty?",
    "do you ship to Norway",
    "能不能退货",
    "开封的茶可以退吗",
    "壶坏了怎么办",
]
HELD = [
    ("Express costs $25.", {"money"}),
    ("It takes 4–7 days.", {"duration"}),
    ("Green tea: 80 °C.", {"temperature"}),
    ("The kettle weighs 1.2 kg.", {"weight"}),
    ("It holds 900 ml.", {"volume"}),
    ("1500 W at 220 V", {"power"}),
    ("The cable is 75 cm long.", {"length"}),
    ("45 dB at one metre", {"sound"}),
    ("Call 400-820-0000 for help.", {"contact"}),
    ("There is one in black and one in celadon.", {"colour"}),
    ("运费 10 元", {"money"}),
    ("满 99 元包邮", {"money"}),
    ("2 到 4 天送达", {"duration"}),
    ("会员打 8 折", {"percent"}),
    ("周一至周六 15:00 前", {"date"}),
    ("水温 80 度", {"temperature"}),
    ("净重 1.2 公斤", {"weight"}),
    ("容量 0.8 升", {"volume"}),
    ("黑、白两色", {"colour"}),
]


@pytest.mark.parametrize(("question", "kind"), ASKED)
def test_the_kind_asked_for(question: str, kind: str) -> None:
    assert asked(question) == {kind}


@pytest.mark.parametrize("question", YES_OR_NO)
def test_a_yes_or_no_asks_for_no_kind(question: str) -> None:
    assert asked(question) == frozenset()
    assert not answers(asked(question), "It costs $8 and takes 3 days.")


@pytest.mark.parametrize(("sentence", "kinds"), HELD)
def test_the_kinds_held(sentence: str, kinds: set[str]) -> None:
    assert held(sentence) - {"number"} == kinds


@pytest.mark.parametrize("sentence", ["Opened tea cannot be returned.", "开封的茶叶不能退。"])
def test_a_sentence_without_a_value(sentence: str) -> None:
    assert held(sentence) == frozenset()


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("How much is postage?", "Postage is $8.", "We send parcels by air."),
        ("How much is the deposit?", "The deposit is 20 %.", "A deposit is needed."),
        ("When does it arrive?", "Within 3 days.", "It is sent by air."),
        ("How long is it kept?", "Until 31 May.", "It is kept for you."),
        ("运费多少钱", "运费 10 元。", "快递 3 天送达。"),
        ("多久能到", "3 天送达。", "运费 10 元。"),
    ],
)
def test_answers_needs_a_value_of_the_kind(question: str, right: str, wrong: str) -> None:
    assert answers(asked(question), right)
    assert not answers(asked(question), wrong)
