"""A turn that leans on the one before it is searched for together with it."""

from __future__ import annotations

import pytest

from chatbot.followup import before, context, leans, without_introductions
from chatbot.types import Message

FIRST = Message("user", "How long is the warranty of the K1 kettle?")
HISTORY = (Message("user", "hello there friends"), FIRST, Message("assistant", "24 months."))


@pytest.mark.parametrize(
    "question",
    [
        "and the K2?",
        "And what does the courier cost to Canada?",
        "what about express delivery to Berlin?",
        "does it cover the lid and the base plate?",
        "how much is the other one, please tell me",
        "can I take that one to the shop for repair",
        "K2?",
        "那特快呢？",
        "那么寄到海外要多少钱",
        "如果是会员有没有折扣",
        "金卡会员的运费呢？",
        "換成大一號的要多少錢",
        "多久",
    ],
)
def test_leaning(question: str) -> None:
    assert leans(question)
    assert context(question, HISTORY) == FIRST.text


@pytest.mark.parametrize(
    "question",
    [
        "How much does express delivery to Berlin cost?",
        "Where is your shop in Berlin?",
        "普通快递的运费是多少钱？",
        "忘记密码以后怎么登录",
        "K2显示E3怎么办",
        "Android phones cannot find the kettle",  # begins with "and", not the word
        "Italy: how much is shipping there",
    ],
)
def test_standing_alone(question: str) -> None:
    assert not leans(question)
    assert context(question, HISTORY) == ""


def test_the_first_turn_has_nothing_to_lean_on() -> None:
    assert context("and the K2?", ()) == ""
    assert context("and the K2?", (Message("assistant", "Hello!"),)) == ""


@pytest.mark.parametrize(
    ("masked", "searched"),
    [
        ("My number is [PHONE_1], can I return it?", "can I return it?"),
        ("can I return it? my e-mail: [EMAIL_1]", "can I return it?"),
        ("我的手机号是[PHONE_1]，能退货吗", "能退货吗"),
        ("Hi [NAME_1], where is it?", "where is it?"),
        (
            "order [ORDER_1] says packing, can I stop it?",
            "order [ORDER_1] says packing, can I stop it?",
        ),
        ("[PHONE_1]", "[PHONE_1]"),
        ("How do I change [EMAIL_1] in my account?", "How do I change [EMAIL_1] in my account?"),
        ("", ""),
    ],
)
def test_clauses_that_only_give_personal_data_are_not_searched_for(
    masked: str, searched: str
) -> None:
    assert without_introductions(masked) == searched


def test_what_was_said_before_has_a_share_in_every_later_search() -> None:
    question = "and the K2?"
    assert before(question, HISTORY) == (
        (f"{FIRST.text} {question}", 0.25),
        (f"24 months. {question}", 0.25),
    )
    complete = "How much does express delivery to Berlin cost?"
    assert [weight for _, weight in before(complete, HISTORY)] == [0.15, 0.15]
    assert before(question, ()) == ()
    assert before(question, (FIRST,)) == ((f"{FIRST.text} {question}", 0.25),)


def test_what_was_said_before_is_short_and_simplified() -> None:
    history = (Message("user", "運費多少"), Message("assistant", "a" * 1_000))
    (asked, _), (answered, _) = before("那特快呢", history)
    assert asked == "运费多少 那特快呢"
    assert answered == "a" * 300 + " 那特快呢"
