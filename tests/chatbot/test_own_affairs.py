"""Questions that only somebody with the shop's systems can answer."""

from __future__ import annotations

import pytest

from chatbot.app import App
from chatbot.own_affairs import about_own
from chatbot.phrases import phrase
from chatbot.types import Action, Incoming


@pytest.mark.parametrize(
    "question",
    [
        "Where is my parcel?",
        "where's my order SL2411020077",
        "where is my stuff?",
        "Can you check order 1234?",
        "could you please look up my order",
        "hi, has my refund been processed?",
        "is my order shipped yet",
        "what is the status of my order?",
        "track my parcel please",
        "how many points do I have?",
        "can you see where my package is",
        "我的快递到哪了？",
        "我的包裹怎么还没到，到哪儿了",
        "帮我查一下订单",
        "帮我看下SL2411020077到哪了",
        "订单到哪了",
        "我的订单发货了吗",
        "麻烦查一下我的物流",
        "我的快遞到哪了",
        "我还有多少积分",
        "能帮我催一下快递吗",
    ],
)
def test_somebody_must_look_into_it(question: str) -> None:
    assert about_own(question)


@pytest.mark.parametrize(
    "question",
    [
        "How long does delivery take?",
        "how do I track my parcel?",
        "where can I see my order status?",
        "where do i find my order number",
        "when do I get my money back",
        "when is a parcel lost",
        "where is your store",
        "where is my nearest store?",
        "my sister lives in Moscow, can i have my order sent there?",
        "can you check if you deliver to Spain",
        "my tracking has not moved for 9 days, is it lost",
        "are my points lost when I return something",
        "is my kettle covered by warranty",
        "when will my order arrive",  # rules tell how long it takes
        "快递几天能到",
        "怎么查快递到哪了",
        "退款到哪一步在哪看啊",
        "我的积分什么时候过期",
        "订单在哪里查看",
        "我的壶能退吗",
        "你们的货从哪里发",
        "",
    ],
)
def test_rules_are_for_the_documents(question: str) -> None:
    assert not about_own(question)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Where is my order?", "en"),
        ("我的订单到哪了？", "zh-Hans"),
        ("我的訂單到哪了？", "zh-Hant"),
    ],
)
def test_the_reply_says_so_and_offers_a_person(app: App, question: str, language: str) -> None:
    first = app.assistant.reply(Incoming(question, f"own-{language}", None, "web"))
    assert first.text == phrase("own_affair", language) and first.action is Action.REFUSE
    assert first.escalate and not first.citations
    again = app.assistant.reply(
        Incoming(f"{question} SL2411020077", f"own-{language}", first.session_id, "web")
    )
    assert again.action is Action.HAND_OVER
    assert again.text == phrase("hand_over_looked_up", language)
