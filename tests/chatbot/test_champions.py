"""Which adapter serves: a stack per kind, read on every turn, with a share of the sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.champions import Champion, Champions
from chatbot.errors import NotFound
from knowledge.database import Database

FIRST = Champion("run-1", "/runs/1/adapter", "a" * 64, 1.0)
SECOND = Champion("run-2", "/runs/2/adapter", "b" * 64, 1.0)
SESSIONS = [f"session-{i}" for i in range(2_000)]


@pytest.fixture
def champions(database: Database) -> Champions:
    return Champions(database)


def test_the_base_serves_until_something_is_promoted(champions: Champions) -> None:
    assert champions.serving("dialogue", "any") is None
    champions.promote("dialogue", FIRST)
    assert champions.serving("dialogue", "any") == champions.current("dialogue") == FIRST
    assert champions.current("intent") is None


def test_rollback_serves_the_one_before_and_at_last_the_base(champions: Champions) -> None:
    third = Champion("run-3", "/runs/3/adapter", "c" * 64, 1.0)
    for champion in (FIRST, SECOND, third):
        champions.promote("dialogue", champion)
    champions.promote("intent", FIRST)
    assert champions.rollback("dialogue") == SECOND
    assert champions.current("dialogue") == SECOND
    assert champions.rollback("dialogue") == FIRST
    assert champions.rollback("dialogue") is None
    assert champions.current("dialogue") is None
    with pytest.raises(NotFound, match="dialogue"):
        champions.rollback("dialogue")
    assert champions.current("intent") == FIRST


def test_after_a_rollback_one_can_promote_again(champions: Champions) -> None:
    champions.promote("dialogue", FIRST)
    champions.promote("dialogue", SECOND)
    champions.rollback("dialogue")
    champions.promote("dialogue", SECOND)
    assert champions.rollback("dialogue") == FIRST


def test_a_share_of_the_sessions_gets_it_and_always_the_same_ones(champions: Champions) -> None:
    champions.promote("dialogue", Champion("run-1", "/runs/1", "a" * 64, 0.3))
    served = {s for s in SESSIONS if champions.serving("dialogue", s)}
    assert 0.26 < len(served) / len(SESSIONS) < 0.34
    assert served == {s for s in SESSIONS if champions.serving("dialogue", s)}
    champions.promote("dialogue", Champion("run-1", "/runs/1", "a" * 64, 0.6))
    assert served < {s for s in SESSIONS if champions.serving("dialogue", s)}


@pytest.mark.parametrize(("share", "served"), [(0.0, 0), (1.0, 100)])
def test_none_and_all(champions: Champions, share: float, served: int) -> None:
    champions.promote("dialogue", Champion("run-1", "/runs/1", "a" * 64, share))
    assert sum(champions.serving("dialogue", s) is not None for s in SESSIONS[:100]) == served


def test_another_process_sees_a_promotion_at_once(champions: Champions, home: Path) -> None:
    other = Database(home / "zhike.db")
    elsewhere = Champions(other)
    assert elsewhere.current("dialogue") is None
    champions.promote("dialogue", FIRST)
    assert elsewhere.current("dialogue") == FIRST
    elsewhere.rollback("dialogue")
    assert champions.current("dialogue") is None
    other.close()
