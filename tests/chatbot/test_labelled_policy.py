"""Labelled conversations: what counts as right, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatbot import labelled_policy as labelled
from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.types import Action, HandoffReason

DATA = Path(__file__).parents[1] / "data" / "policy.jsonl"
KETTLE = "Can I send back an unused kettle within 30 days?"


def test_conversations_are_played_and_scored(app: App) -> None:
    told = [
        labelled.Conversation(("hello", KETTLE), Action.QUOTE),
        labelled.Conversation((KETTLE, "thanks"), Action.SMALLTALK),
        labelled.Conversation(("转人工",), Action.HAND_OVER, HandoffReason.CUSTOMER_REQUEST),
        labelled.Conversation(("转人工",), Action.HAND_OVER, HandoffReason.ANGER),  # wrong
        labelled.Conversation(("hello",), Action.REFUSE),  # wrong
    ]
    report = labelled.scores([(one, labelled.ask(app, one)) for one in told])
    assert report["accuracy"] == 0.6 and report["conversations"] == 5
    assert report["by_action"]["hand_over"] == {"precision": 0.5, "recall": 0.5, "count": 2}
    assert report["by_action"]["refuse"] == {"precision": None, "recall": 0.0, "count": 1}
    assert [case["found"] for case in report["wrong"]] == [
        "hand_over (customer_request)",
        "smalltalk",
    ]


def test_what_needs_no_document_is_done_as_labelled(app: App) -> None:
    ours = [c for c in labelled.read(DATA) if c.action not in (Action.QUOTE, Action.REFUSE)]
    ours = [c for c in ours if c.reason is not HandoffReason.MISSING_KNOWLEDGE]
    assert len(ours) >= 30
    report = labelled.scores([(one, labelled.ask(app, one)) for one in ours])
    assert report["accuracy"] >= 0.97, report["wrong"]


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"turns": [], "action": "quote"},
        {"turns": [1], "action": "quote"},
        {"turns": ["x"], "action": "dance"},
        {"turns": ["x"], "action": "hand_over", "reason": "boredom"},
        [],
    ],
)
def test_a_line_that_is_no_conversation_is_named(tmp_path: Path, row: object) -> None:
    path = tmp_path / "policy.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(ChatbotError, match=r"policy\.jsonl:1: not a conversation"):
        labelled.read(path)


def test_no_file_and_no_line_are_told(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="cannot be read"):
        labelled.read(tmp_path / "gone.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf-8")
    with pytest.raises(ChatbotError, match="no conversation"):
        labelled.read(tmp_path / "empty.jsonl")
