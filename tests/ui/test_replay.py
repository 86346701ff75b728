"""`zhike replay`: the same reply from what was stored, and what differs when something changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import Run, documents, full, run

__all__ = ["documents", "full", "run"]


@pytest.mark.parametrize(
    "question",
    [
        "within how many days can unused goods be returned?",
        "Can I return opened tea?",  # an approved answer
        "do you sell bicycles?",
        "hello",
        "转人工",
        "普通快递多少钱？",
    ],
)
def test_a_reply_is_made_again_as_it_was(full: Run, question: str) -> None:
    told = full("ask", question, "--json").json
    again = full("replay", told["reply_id"], "--json").json
    assert again["same"], again
    assert again["question"] == question and again["again"]["action"] == told["action"]
    if told["action"] == "quote":
        assert again["again"]["text"] == told["reply"]


def test_a_follow_up_leans_on_what_was_said_before(full: Run) -> None:
    first = full("ask", "运费多少", "--json").json
    told = full("ask", "那不满99元呢", "--session", first["session_id"], "--json").json
    again = full("replay", told["reply_id"], "--json").json
    assert [m["text"] for m in again["history"]] == ["运费多少", first["reply"]]
    assert again["same"], again


def test_a_changed_document_shows(full: Run, documents: Path) -> None:
    told = full("ask", "within how many days can unused goods be returned?", "--json").json
    assert "30 days" in told["reply"]
    text = (documents / "returns.md").read_text("utf-8")
    (documents / "returns.md").write_text(text.replace("30 days", "45 days"), "utf-8")
    assert full("knowledge", "add", documents).status == 0
    again = full("replay", told["reply_id"], "--json").json
    assert not again["same"] and any("changed or removed" in d for d in again["differences"])
    anew = full("replay", told["reply_id"], "--anew", "--json").json
    assert "45 days" in anew["again"]["text"] and "30 days" in anew["stored"]["text"]
    shown = full("replay", told["reply_id"], "--anew").out
    assert "differs    The text is another." in shown


def test_an_unknown_reply_is_one_sentence(full: Run) -> None:
    done = full("replay", "nothing")
    assert (done.status, done.err) == (
        1,
        "zhike: There is no reply 'nothing' of the assistant here.\n",
    )
