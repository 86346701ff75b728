"""What is searched for."""

from __future__ import annotations

import pytest

from chatbot.app import App
from chatbot.query import query, without_numbers
from chatbot.types import Message


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("my order SL2411020077 was lost", "my order was lost"),
        ("order #100234: where is it?", "order : where is it?"),
        ("订单SL2411020077丢了", "订单 丢了"),
        ("SL2411020077", "SL2411020077"),  # nothing else is left to search for
        ("does the K1 show E2", "does the K1 show E2"),
        ("it costs $1299", "it costs $1299"),
    ],
)
def test_numbers_of_orders_are_in_no_document(question: str, searched: str) -> None:
    assert without_numbers(question) == searched


def test_a_query_tells_how_it_was_read(app: App) -> None:
    history = [Message("user", "How long is the warranty of the K1 kettle?")]
    found = query("and the K2 kettel?", history, app.knowledge.spelling)
    assert found.asked == "and the K2 kettle?"
    assert found.text == "How long is the warranty of the K1 kettle? and the K2 kettle?"
    assert "kettel read as kettle" in found.told() and "searched for:" in found.told()
    assert query("運費多少", (), app.knowledge.spelling).asked == "运费多少"
    assert query("运费多少", (), app.knowledge.spelling).told() == ""
