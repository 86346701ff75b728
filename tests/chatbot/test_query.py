"""What is searched for."""

from __future__ import annotations

import pytest

from chatbot.app import App
from chatbot.name_finder import Name, NameFinder
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


@pytest.mark.parametrize(
    ("question", "searched", "told"),
    [
        ("does the kwikboil pro show E2?", "does the K1 show E2?", "kwikboil pro read as K1"),
        ("Does my KwikBoyl Pro leak?", "Does my K1 leak?", "KwikBoyl Pro read as K1"),  # a slip
        ("does the K1 show E2?", "does the K1 show E2?", ""),
        ("快煮宝怎么清洗", "K1怎么清洗", "快煮宝 read as K1"),
        ("is the Fluxor 9 any good?", "is the Fluxor 9 any good?", ""),  # no spelling is written
    ],
)
def test_a_listed_name_is_searched_as_the_documents_write_it(
    app: App, question: str, searched: str, told: str
) -> None:
    names = NameFinder(
        (Name("product", "KwikBoil Pro", ("快煮宝", "K1")), Name("product", "Fluxor 9", ("F9X",)))
    )
    found = query(question, (), app.knowledge.spelling, names.found)
    assert (found.asked, found.told()) == (searched, told)


def test_a_name_in_what_the_question_leans_on_is_read_too(app: App) -> None:
    names = NameFinder((Name("product", "KwikBoil Pro", ("K1",)),))
    history = [Message("user", "How long is the warranty of the KwikBoil Pro?")]
    found = query("and in Spain?", history, app.knowledge.spelling, names.found)
    assert found.context == "How long is the warranty of the K1?"
