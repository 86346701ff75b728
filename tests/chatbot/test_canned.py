"""Canned replies by name."""

from __future__ import annotations

import pytest

from chatbot.canned import Canned, CannedReplies
from chatbot.errors import ChatbotError, NotFound
from knowledge.database import Database


def test_a_reply_is_saved_replaced_found_and_removed(database: Database) -> None:
    canned = CannedReplies(database)
    canned.save(" Refund  sent ", "We sent your refund. ")
    canned.save("认错", "非常抱歉。")
    canned.save("refund sent", "Your refund is on its way.")  # the case of letters does not count
    assert canned.list() == (
        Canned("refund sent", "Your refund is on its way."),
        Canned("认错", "非常抱歉。"),
    )
    assert canned.text("Refund sent") == "Your refund is on its way."
    canned.remove("Refund sent")
    for act in (canned.text, canned.remove):
        with pytest.raises(NotFound, match="'Refund sent'"):
            act("Refund sent")


@pytest.mark.parametrize(("name", "text"), [("", "x"), ("x", " "), ("x" * 61, "x")])
def test_bad_ones_are_refused_with_a_sentence(database: Database, name: str, text: str) -> None:
    with pytest.raises(ChatbotError, match="canned reply"):
        CannedReplies(database).save(name, text)
    assert CannedReplies(database).list() == ()
