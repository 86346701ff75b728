"""A sentence passes only with its numbers, its negation and its words in one passage."""

from __future__ import annotations

import pytest

from chatbot import grounding
from tests.chatbot.conftest import passage

RETURNS = passage(
    "An unused kettle can be returned within 30 days of receipt. The customer pays the return "
    "postage of $6. Opened tea cannot be returned. The form is at https://tea.example/form.",
    id=11,
)
SHIPPING = passage(
    "普通快递运费 10 元，满 99 元包邮，2 到 4 天送达。特快不能寄往海外。保修十二个月。",
    id=22,
    title="配送说明",
    language="zh-Hans",
)
BOTH = (RETURNS, SHIPPING)


@pytest.mark.parametrize(
    ("sentence", "supporter"),
    [
        ("An unused kettle can be returned within 30 days.", 11),
        ("You can return an unused kettle within thirty days of receipt.", 11),
        ("Opened tea cannot be returned.", 11),
        ("You can't return opened tea.", 11),
        ("The return postage of $6 is paid by the customer.", 11),
        ("The form is at https://tea.example/form.", 11),
        ("普通快递运费10元，满99元包邮。", 22),
        ("普通快遞運費10元。", 22),
        ("普通快递两到四天送达。", 22),
        ("特快不能寄往海外。", 22),
        ("保修十二个月。", 22),
    ],
)
def test_what_the_passages_say_is_supported(sentence: str, supporter: int) -> None:
    support = grounding.check(sentence, BOTH)
    assert (support.passage_id, support.problem) == (supporter, None)
    assert 0.6 <= support.score <= 1
    own = RETURNS if supporter == 11 else SHIPPING
    assert grounding.supports(sentence, own.title, own.heading, own.text)


@pytest.mark.parametrize(
    ("sentence", "problem"),
    [
        ("An unused kettle can be returned within 60 days.", "60 is not in the passage"),
        ("An unused kettle can be returned within sixty days.", "60 is not in the passage"),
        ("The return postage is $6.50.", "6.50 is not in the passage"),
        ("普通快递运费 15 元。", "15 is not in the passage"),
        ("普通快递三天送达。", "3 is not in the passage"),
        ("保修二十四个月。", "24 is not in the passage"),
        ("The form is at https://evil.example/form.", "https://evil.example/form"),
        ("Write to help@evil.example for the form.", "help@evil.example"),
        ("Opened tea can be returned.", "negates"),
        ("An unused kettle cannot be returned within 30 days.", "negates"),
        ("特快可以寄往海外。", "negates"),
        ("特快保修12个月。", "negates"),  # words of two sentences, said by neither
        ("Our headquarters are in the beautiful city of Lisbon.", "of its words"),
        ("我们的总部位于美丽的里斯本。", "of its words"),
        ("I have refunded the return postage of $6.", "claims an action"),
        ("I've just cancelled your unused kettle.", "claims an action"),
        ("已经为您退款。", "claims an action"),
        ("刚帮您修改普通快递。", "claims an action"),
        ("!", "nothing that could be supported"),
    ],
)
def test_what_they_do_not_say_is_not(sentence: str, problem: str) -> None:
    support = grounding.check(sentence, BOTH)
    assert support.passage_id is None
    assert support.problem is not None and problem in support.problem
    for own in BOTH:
        assert not grounding.supports(sentence, own.title, own.heading, own.text)


def test_nothing_is_supported_by_nothing() -> None:
    support = grounding.check("An unused kettle can be returned.", ())
    assert support.passage_id is None and support.problem


def test_the_words_must_stand_in_one_passage() -> None:
    halves = (passage("Unused kettles and teapots.", 1), passage("Exchange within receipt.", 2))
    assert grounding.check("Exchange unused kettles within receipt.", halves[:1]).problem
    whole = passage("Exchange unused kettles within a week of receipt.", 3)
    assert grounding.check("Exchange unused kettles.", (*halves, whole)).passage_id == 3


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("twenty-four months or 24", {"24"}),
        ("thirty days", {"30"}),
        ("one kettle in one box", set()),  # articles, not figures
        ("$1,299.00 for 2.5 kg", {"1299.00", "2.5"}),
        ("保修二十四个月", {"24"}),
        ("保修十二个月", {"12"}),  # once read as 2
        ("两天内", {"2"}),
        ("一百二十元", {"120"}),
        ("一个壶", set()),
        ("see https://tea.example/7, please", {"https://tea.example/7"}),
        ("ask a@tea.example.", {"a@tea.example"}),
    ],
)
def test_figures(text: str, figures: set[str]) -> None:
    assert grounding.figures(text) == figures


def test_two_months_are_not_twelve() -> None:
    twelve = passage("水壶保修十二个月。", language="zh-Hans", title="保修")
    assert grounding.check("水壶保修2个月。", (twelve,)).problem == "2 is not in the passage"
    assert grounding.check("水壶保修12个月。", (twelve,)).passage_id == twelve.id


def test_the_nearest_sentence_is_a_part_of_the_passage() -> None:
    nearest = grounding.nearest_sentence("The postage is $6.", RETURNS.text)
    assert nearest == "The customer pays the return postage of $6."
    assert grounding.nearest_sentence("特快寄海外吗", SHIPPING.text) == "特快不能寄往海外。"
    assert grounding.nearest_sentence("anything", "") == ""


@pytest.mark.parametrize(
    ("text", "abstains"),
    [
        ("I don't know the answer.", True),
        ("I am not sure about that.", True),
        ("抱歉，我不知道。", True),
        ("资料里没有找到答案。", True),
        ("Opened tea cannot be returned.", False),
        ("不能退货。", False),
    ],
)
def test_abstaining_is_recognised(text: str, abstains: bool) -> None:
    assert grounding.abstains(text) is abstains
