"""Amounts and their units; when two amounts contradict, and when they only look so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.app import build
from chatbot.settings import ChatbotSettings
from chatbot.types import Message
from finetune.contradiction import Contradictions
from finetune.documents import Documents, opened
from finetune.pairs import Pair
from finetune.quantities import quantities
from knowledge.settings import KnowledgeSettings

SHOP = (
    "# Returns\n\nUnused goods can be returned within 30 days of receipt.\n\n"
    "# Kettle\n\nThe kettle costs $49 and has a guarantee of 24 months. "
    "It boils in 3–5 minutes.\n\n"
    "# Shipping\n\nStandard shipping is free from $120.\n"
)
CHINESE = "# 配送\n\n普通快递满 99 元包邮，不满 99 元收取 10 元运费，一般 2–4 天送达。\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("€6.90, free from € 60", [("€", 6.9, 6.9), ("€", 60, 60)]),
        ("€6,90 or $1,299.50", [("€", 6.9, 6.9), ("$", 1299.5, 1299.5)]),
        ("3–5 working days, three to five days", [("working days", 3, 5), ("time", 4320, 7200)]),
        ("7个工作日内，七天、两个月", [("working days", 7, 7), ("time", 10080, 10080),
                                      ("months", 2, 2)]),
        ("满200元享95折，HK$30", [("¥", 200, 200), ("折", 95, 95), ("HK$", 30, 30)]),
        ("a 30-day return, 2 years, 1.7 l", [("time", 43200, 43200), ("months", 24, 24),
                                             ("volume", 1700, 1700)]),
        ("2026年3月5日, order 4711, K2, 10:30, E5", []),
        ("between 80 and 100 °C for 90 s", [("°C", 80, 100), ("time", 1.5, 1.5)]),
        ("", []),
        ("1.2.3.4 ... , - $", []),
    ],
)  # fmt: skip
def test_quantities(text: str, found: list[tuple[str, float, float]]) -> None:
    assert [(q.kind, round(q.low, 6), round(q.high, 6)) for q in quantities(text)] == found


def test_the_same_amount_in_other_words_is_no_conflict() -> None:
    (day,), (hours,), (span,) = map(quantities, ("one to 2 days", "48 hours", "2–4 days"))
    assert hours.within(day) and hours.within(span) and not span.within(hours)
    (month,) = quantities("2 months")
    assert not month.within(span) and not span.within(month)


@pytest.fixture(scope="module")
def documents(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documents]:
    folder = tmp_path_factory.mktemp("contradiction")
    (folder / "shop.md").write_text(SHOP, encoding="utf-8")
    (folder / "配送.md").write_text(CHINESE, encoding="utf-8")
    app = build(folder / "home", packaged, chatbot=ChatbotSettings(generator="none"))
    assert len(list(app.knowledge.add([folder / "shop.md", folder / "配送.md"]))) == 2
    app.close()
    with opened(folder / "home", packaged, KnowledgeSettings()) as found:
        assert found is not None
        yield found


@pytest.mark.parametrize(
    ("question", "reply", "said"),
    [
        ("Can I send it back?", "Sure, unused goods can be returned within 14 days.", "14 days"),
        ("Can I send it back?", "Sure, unused goods can be returned within 30 days.", ""),
        ("How much is the kettle?", "The kettle costs $59 right now!", "$59"),
        ("How long is the guarantee?", "The kettle has a guarantee of 2 years.", ""),
        ("How long is the guarantee?", "The kettle has a guarantee of 3 years.", ""),  # other unit
        ("How long does it boil?", "It boils in about 4 minutes.", ""),  # a part of the range
        ("How long does it boil?", "The kettle boils in 8–9 minutes.", "8–9 minutes"),
        ("I bought it 40 days ago, can I return it?", "Returns within 40 days are too late.", ""),
        ("What do two kettles cost?", "2 kettles cost $98 altogether.", ""),
        ("How tall is the shelf?", "The shelf is 90 cm high.", ""),  # in no document
        ("多少钱包邮？", "普通快递满199元包邮。", "199元"),
        ("多少钱包邮？", "普通快递满99元包邮哦。", ""),
        ("几天送达？", "一般10–12天送达。", "10–12天"),
        ("hello", "", ""),
    ],
)
def test_what_contradicts(documents: Documents, question: str, reply: str, said: str) -> None:
    language = "en" if question.isascii() else "zh-Hans"
    compare = Contradictions(documents)
    found = compare([Pair("c", language, (), question, reply)])
    assert (found[0].split(", but ")[0] if found else "") == said


def test_what_the_customer_said_is_the_customers(documents: Documents) -> None:
    before = (Message("user", "It took 9 minutes to boil, the kettle."), Message("agent", "Oh."))
    reply = "The kettle boils in 9 minutes? That is too long."
    compare = Contradictions(documents)
    assert compare([Pair("c", "en", before, "yes", reply)]) == {}
    assert set(compare([Pair("c", "en", (), "yes", reply)])) == {0} and compare.compared == 1


def test_a_home_without_documents_compares_nothing(packaged: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "none", packaged, KnowledgeSettings()) as found:
        assert found is None and not (tmp_path / "none").exists()
    build(tmp_path / "empty", packaged, chatbot=ChatbotSettings(generator="none")).close()
    with opened(tmp_path / "empty", packaged, KnowledgeSettings()) as found:
        assert found is None
