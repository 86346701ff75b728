"""Placeholders hold through a conversation; what they stand for is kept apart and not for long."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from chatbot.originals import Originals
from chatbot.store import Store
from knowledge.database import Database


@pytest.fixture
def session(store: Store) -> str:
    return store.open_session("visitor", "web").id


@pytest.fixture
def originals(database: Database, store: Store) -> Iterator[Originals]:
    yield Originals(database, days=30)


def test_a_value_keeps_its_placeholder_from_turn_to_turn(
    originals: Originals, session: str
) -> None:
    assert originals.mask(session, "打13812345678") == ("打[PHONE_1]", ("phone",))
    assert originals.mask(session, "或 139 8765 4321")[0] == "或 [PHONE_2]"
    assert originals.mask(session, "138-1234-5678和a@b.cn")[0] == "[PHONE_1]和[EMAIL_1]"
    assert originals.mask(session, "K2多少钱") == ("K2多少钱", ())


def test_only_the_own_conversation_turns_back(
    originals: Originals, store: Store, session: str
) -> None:
    originals.mask(session, "打13812345678")
    other = store.open_session("someone", "web").id
    originals.mask(other, "打13987654321")
    said = "请打[PHONE_1]或[PHONE_2]"
    assert originals.reveal(session, said) == "请打13812345678或[PHONE_2]"
    assert originals.reveal(other, said) == "请打13987654321或[PHONE_2]"
    assert originals.reveal("no such session", said) == said


def test_values_go_with_their_conversation(
    originals: Originals, database: Database, session: str
) -> None:
    originals.mask(session, "打13812345678")
    with database.write() as db:
        db.execute("DELETE FROM sessions WHERE id = ?", [session])
    assert database.rows("SELECT * FROM originals") == []


def test_values_go_after_their_time_also_from_the_files(
    originals: Originals, database: Database, session: str
) -> None:
    originals.mask(session, "打13812345678")
    assert originals.purge() == 0
    old = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="milliseconds")
    with database.write() as db:
        db.execute("UPDATE originals SET created = ?", [old])
    Originals(database, days=30).mask(session, "hello")  # once a day every turn looks
    assert database.rows("SELECT * FROM originals") == []
    files = database.path.parent.glob(f"{database.path.name}*")
    assert not any(b"13812345678" in path.read_bytes() for path in files)
    assert originals.reveal(session, "[PHONE_1]") == "[PHONE_1]"


def test_without_days_nothing_is_kept(database: Database, store: Store, session: str) -> None:
    originals = Originals(database, days=0)
    assert originals.mask(session, "打13812345678")[0] == "打[PHONE_1]"
    assert database.rows("SELECT * FROM originals") == []


def test_turns_at_once_never_share_a_placeholder(originals: Originals, session: str) -> None:
    numbers = [f"138000000{i:02}" for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        masked = list(pool.map(lambda n: originals.mask(session, n)[0], numbers))
    assert len({*masked}) == 24
    assert [originals.reveal(session, one) for one in masked] == numbers
