"""Set-up token, password, sessions, and the limits on guessing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knowledge.database import Database
from ui.accounts import Accounts, Refused
from ui.passwords import weakness
from ui.sessions import ABSOLUTE, IDLE

PASSWORD = "harbour lantern quilt 88"


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    database = Database(tmp_path / "zhike.db")
    yield Accounts(database, clock)
    database.close()


def ready(accounts: Accounts) -> str:
    token = accounts.setup_token()
    assert token is not None
    return accounts.set_up(token, PASSWORD, "1.1.1.1")


def test_the_token_works_once(accounts: Accounts) -> None:
    token = accounts.setup_token()
    assert token is not None
    with pytest.raises(Refused, match="bad_token"):
        accounts.set_up("guess", PASSWORD, "2.2.2.2")
    session = accounts.set_up(token, PASSWORD, "1.1.1.1")
    assert accounts.who(session) == "admin"
    with pytest.raises(Refused, match="bad_token"):
        accounts.set_up(token, PASSWORD + " other", "1.1.1.1")
    assert accounts.setup_token() is None


def test_a_new_token_replaces_the_one_before(accounts: Accounts) -> None:
    first, second = accounts.setup_token(), accounts.setup_token()
    assert first and second
    with pytest.raises(Refused, match="bad_token"):
        accounts.set_up(first, PASSWORD, "1.1.1.1")
    accounts.set_up(second, PASSWORD, "1.1.1.1")


@pytest.mark.parametrize(
    "password",
    ["short", "password12345", "P@ssw0rd2026!", "aaaaaaaaaaaaa", "123456789012", "qwertyuiop123",
     "abcdefghijklm", "abcabcabcabcabc", "zhike20262026!", "x" * 300],
)  # fmt: skip
def test_weak_passwords_are_refused(accounts: Accounts, password: str) -> None:
    token = accounts.setup_token()
    assert token and weakness(password)
    with pytest.raises(Refused):
        accounts.set_up(token, password, "1.1.1.1")
    assert not accounts.ready()


def test_good_passwords_pass() -> None:
    assert weakness(PASSWORD) is None
    assert weakness("茶壶与灯塔在秋天的第七个早晨 x") is None


def test_wrong_guesses_are_limited_before_hashing(accounts: Accounts) -> None:
    ready(accounts)
    waits = []
    for _ in range(8):
        with pytest.raises(Refused) as refused:
            accounts.log_in("admin", "wrong password here", "3.3.3.3")
        waits.append(refused.value.wait)
    assert waits[:5] == [0] * 5
    assert all(wait > 0 for wait in waits[5:])


def test_one_account_is_limited_over_all_addresses(accounts: Accounts) -> None:
    ready(accounts)
    hashed = 0
    for number in range(30):
        with pytest.raises(Refused) as refused:
            accounts.log_in("admin", "wrong password here", f"4.4.4.{number}")
        hashed += refused.value.wait == 0
    assert hashed == 10


def test_an_unknown_name_is_refused_alike(accounts: Accounts) -> None:
    ready(accounts)
    with pytest.raises(Refused) as unknown:
        accounts.log_in("nobody", PASSWORD, "5.5.5.5")
    with pytest.raises(Refused) as wrong:
        accounts.log_in("admin", "wrong password here", "5.5.5.6")
    assert unknown.value.key == wrong.value.key == "login.wrong"


def test_sessions_end(accounts: Accounts, clock: Clock) -> None:
    session = ready(accounts)
    clock.time += IDLE - timedelta(minutes=1)
    assert accounts.who(session) == "admin"  # seen now, so the idle time begins anew
    clock.time += IDLE + timedelta(seconds=1)
    assert accounts.who(session) is None
    session = accounts.log_in("admin", PASSWORD, "1.1.1.1")
    begun = clock.time
    while clock.time - begun <= ABSOLUTE:
        assert accounts.who(session) == "admin"
        clock.time += timedelta(minutes=20)
    assert accounts.who(session) is None


def test_a_login_ends_the_session_before_and_logout_kills(accounts: Accounts) -> None:
    first = ready(accounts)
    second = accounts.log_in("admin", PASSWORD, "1.1.1.1", old=first)
    assert first != second
    assert accounts.who(first) is None
    accounts.log_out(second)
    assert accounts.who(second) is None
    assert accounts.who("planted") is None


def test_no_secret_is_stored_as_it_is(accounts: Accounts, tmp_path: Path) -> None:
    session = ready(accounts)
    stored = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert session.encode() not in stored
    assert PASSWORD.encode() not in stored
