"""An adapter on trial: beside the champion, and taken back when customers rate it worse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.canary import fall_back, thumbs
from chatbot.champions import Champion, Champions
from chatbot.store import Provenance, Store, new_id
from chatbot.types import Action, Intent, Reply
from knowledge.database import Database

OLD = Champion("old", "/runs/old", "a" * 64, 1.0)
CANARY = Champion("new", "/runs/new", "b" * 64, 0.1)
SESSIONS = [f"session-{i}" for i in range(2_000)]


@pytest.fixture
def champions(database: Database) -> Champions:
    found = Champions(database)
    found.promote("dialogue", OLD)
    found.promote("dialogue", CANARY)
    return found


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def rated(store: Store, adapter: str | None, ups: int, downs: int) -> None:
    """Replies of one customer that this adapter wrote, with so many thumbs."""
    session = store.open_session("v" * 32, "web")
    for value in [1] * ups + [-1] * downs:
        asked = store.add_message(session.id, "user", "Do you ship to Minsk?")
        reply = Reply(
            id=new_id(),
            session_id=session.id,
            text="Yes.",
            action=Action.ANSWER,
            language="en",
            intent=Intent("question", 1.0),
            citations=(),
            confidence=0.9,
            escalate=False,
            reason=None,
            engine="transformers",
            adapter=adapter,
            trace=(),
        )
        store.add_reply(reply, Provenance(asked.id, "", ""))
        store.rate(reply.id, session.visitor, 1 if value > 0 else -1)


def test_the_champion_serves_the_sessions_outside_the_share(champions: Champions) -> None:
    served = [champions.serving("dialogue", session) for session in SESSIONS]
    tried = [champion for champion in served if champion == CANARY]
    assert 0.07 < len(tried) / len(SESSIONS) < 0.13
    assert all(champion in (OLD, CANARY) for champion in served)
    assert served == [champions.serving("dialogue", session) for session in SESSIONS]


def test_worse_ratings_take_it_back(champions: Champions, store: Store, database: Database) -> None:
    rated(store, "old", ups=18, downs=2)
    rated(store, "new", ups=2, downs=7)
    assert fall_back(database, champions) is None, "nine are too few"
    rated(store, "new", ups=0, downs=1)
    assert thumbs(database, "new") == ((2, 8), (18, 2))
    assert fall_back(database, champions) == CANARY
    assert champions.current("dialogue") == OLD
    assert fall_back(database, champions) is None, "the champion is not on trial"


def test_as_good_ratings_keep_it(champions: Champions, store: Store, database: Database) -> None:
    rated(store, None, ups=15, downs=5)
    rated(store, "new", ups=8, downs=4)
    assert fall_back(database, champions) is None
    assert champions.current("dialogue") == CANARY


def test_ratings_from_before_its_time_do_not_count(
    champions: Champions, store: Store, database: Database
) -> None:
    rated(store, "new", ups=0, downs=20)
    with database.write() as db:
        db.execute("UPDATE ratings SET created = '2020-01-01T00:00:00.000+00:00'")
    assert thumbs(database, "new") == ((0, 0), (0, 0))
    champions.promote("dialogue", replace(CANARY, share=1.0))
    rated(store, "new", ups=0, downs=20)
    assert fall_back(database, champions) is None, "promoted by a person"
