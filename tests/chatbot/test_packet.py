"""What an agent sees first: extracted from what was said, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from chatbot.app import App
from chatbot.entities import entities
from chatbot.packet import Packet
from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming

ORDER = "ZK2025110388"


@pytest.mark.slow
def test_a_second_miss_hands_over_what_was_tried(app: App) -> None:
    visitor = new_id()
    first = app.assistant.reply(Incoming("How long is the warranty of the K2 kettle?", visitor))
    ask = [
        f"My order is {ORDER}, call 13812345678. Which colours will the moon kettle have?",
        "Which celebrity designed the moon kettle?",
    ]
    for text in ask:
        last = app.assistant.reply(Incoming(text, visitor, first.session_id))
    assert last.reason is HandoffReason.MISSING_KNOWLEDGE
    packet = app.handovers.packet(first.session_id)
    assert packet is not None
    assert packet.reason is HandoffReason.MISSING_KNOWLEDGE
    assert (packet.questions, packet.first) == (3, "How long is the warranty of the K2 kettle?")
    assert (packet.last, packet.language, packet.mood) == (ask[1], "en", "")
    assert [t.action for t in packet.tried] == ["quote", "refuse", "hand_over"]
    assert packet.tried[0].confidence > 0.5 > packet.tried[2].confidence
    known = {(e.kind, e.value) for e in packet.entities}
    assert known == {("order_number", ORDER), ("phone", "[PHONE_1]")}
    passage = app.knowledge.passage(packet.tried[0].found[0][0])
    assert passage is not None and passage.document == "kettle.md"
    assert Packet.from_json(packet.to_json()) == packet


def test_a_call_without_a_question_has_a_packet(app: App) -> None:
    session = app.store.open_session(new_id(), "web")
    app.handovers.request(
        session.id, session.visitor, HandoffReason.ANGER, "I paid 30元 on 2026年5月3日"
    )
    packet = app.handovers.packet(session.id)
    assert packet is not None
    assert (packet.questions, packet.first, packet.tried) == (0, "", ())
    assert packet.mood == "angry"
    assert [(e.kind, e.value) for e in packet.entities] == [
        ("amount", "CNY 30"),
        ("date", "2026-05-03"),
    ]


def test_a_value_is_listed_once() -> None:
    said = ["$12.50 for AB1234567890?", "[PHONE_1] AB1234567890 and 1,200 元", "since Nov 12"]
    assert [(e.kind, e.value) for e in entities(said, date(2026, 11, 26))] == [
        ("order_number", "AB1234567890"),
        ("amount", "USD 12.50"),
        ("amount", "CNY 1200"),
        ("phone", "[PHONE_1]"),
        ("date", "2026-11-12/.."),
    ]
    assert entities(["K2, 30 days, model X1, 2 to 4 days"]) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("花了￥1万", "amount CNY 10000"),
        ("1.5万元", "amount CNY 15000"),
        ("一共 30 块钱", "amount CNY 30"),
        ("才3块吧", "amount CNY 3"),
        ("买了3块电池", ""),
        ("2 元旦套装", ""),
        ("€1,299.00 please", "amount EUR 1299.00"),
        ("HK$80", "amount HKD 80"),
        ("sf1234567890123 到哪了", "tracking_number SF1234567890123"),
        ("1Z999AA10123456784", "tracking_number 1Z999AA10123456784"),
        ("RR123456785CN", "tracking_number RR123456785CN"),
        ("order #100234", "order_number #100234"),
        ("ab1234567890", "order_number AB1234567890"),
        ("model K2, 24 months, page 12", ""),
    ],
)
def test_amounts_and_numbers_are_normalised(text: str, found: str) -> None:
    assert " ".join(f"{e.kind} {e.value}" for e in entities([text])) == found


def test_a_draft_quotes_the_best_answer_and_stores_nothing(app: App) -> None:
    visitor = new_id()
    asked = app.assistant.reply(Incoming("How long is the warranty of the K2 kettle?", visitor))
    session = app.store.session(asked.session_id, visitor)
    before = app.store.turns(session.id)
    draft = app.assistant.draft(session)
    assert "36 months" in draft.text
    assert draft.citations[0].document == "kettle.md"
    assert app.store.turns(session.id) == before
    assert app.assistant.draft(app.store.open_session(visitor, "web")).text == ""


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("一百块够吗", ["CNY 100"]),
        ("花了三千五百元", ["CNY 3500"]),
        ("两万元的货", ["CNY 20000"]),
        ("一百五块", ["CNY 150"]),
        ("三百零五元", ["CNY 305"]),
        ("I paid 20 bucks", ["USD 20"]),
        ("一块电池", []),  # a piece of it
        ("两块巧克力", []),
        ("三元桥", []),
        ("第一百元", []),
    ],
)
def test_amounts_as_people_write_them(text: str, amounts: list[str]) -> None:
    assert [e.value for e in entities([text]) if e.kind == "amount"] == amounts
