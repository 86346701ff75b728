"""`zhike learn`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.store import Store
from knowledge.database import Database

from .command import Run, documents, full, run

__all__ = ["documents", "full", "run"]  # fixtures

pytestmark = pytest.mark.slow


def test_a_lesson_is_listed_decided_and_taken_back(full: Run, home: Path) -> None:
    asked = full("ask", "Can I return opened tea?", "--json").json
    assert full("learn", "list", "--json").json["lessons"] == []
    with_home = Database(home / "zhike.db")
    try:
        store = Store(with_home)
        session = store.open_session("ann", "web")
        store.add_message(session.id, "user", "Do you gift-wrap?")
        written = store.add_message(session.id, "agent", "Yes. Write to kim@shop.example.")
    finally:
        with_home.close()
    (lesson,) = full("learn", "list", "--json").json["lessons"]
    assert lesson["id"] == written.id and "kim@shop.example" not in lesson["reply"]
    listed = full("learn", "list").out
    assert "colleague" in listed and "[EMAIL_1]" in listed and "1 open" in listed
    assert full("learn", "accept", written.id).out == "accepted   1\n"
    assert "accepted by" in full("learn", "list", "--state", "accepted").out
    assert full("learn", "reject", written.id, "--note", "outdated").status == 0
    assert "outdated" in full("learn", "list", "--state", "rejected").out
    done = full("learn", "retract", session.id)
    assert "runs that learnt from it: none" in done.out
    refused = full("learn", "accept", written.id)
    assert refused.status == 1 and "taken back" in refused.err and "Traceback" not in refused.err
    assert asked["reply"]


def test_without_lessons_nothing_is_trained(full: Run) -> None:
    done = full("learn", "train")
    assert done.status == 1 and "No lesson is accepted yet" in done.err
    assert full("learn", "accept", "nothing").status == 1
    assert full("learn", "train", "--replay", "1").status == 2
