"""Sessions, invitations, passwords and the audit log, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from knowledge.database import Database
from tests.ui.test_accounts import PASSWORD, Clock
from ui.accounts import AccountError, Accounts, Refused
from ui.api_keys import Keys
from ui.audit import Act, acting
from ui.invites import VALID, Invites
from ui.roles import Role
from ui.sessions import GRACE, RENEW
from ui.team import Team
from ui.webhooks.store import Webhooks

OTHER = "saddle marble thirteen ovens"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "zhike.db")
    yield made
    made.close()


@pytest.fixture
def team(database: Database, clock: Clock) -> Team:
    accounts = Accounts(database, clock)
    token = accounts.setup_token()
    assert token
    accounts.set_up(token, PASSWORD, "setup")
    invites, keys = Invites(database, accounts, clock), Keys(database, accounts, clock)
    return Team(accounts, invites, keys, Webhooks(database, accounts.audit, clock))


def test_an_invitation_works_once(team: Team) -> None:
    token = team.invites.invite("anna", Role.EDITOR, "admin")
    assert [i.name for i in team.invites.all()] == ["anna"]
    with pytest.raises(Refused, match="common"):
        team.invites.accept(token, "password12345", "a")
    name, session = team.invites.accept(token, OTHER, "b")
    staff = team.accounts.staff(session)
    assert staff and (staff.name, staff.role) == (name, Role.EDITOR) == ("anna", Role.EDITOR)
    with pytest.raises(Refused, match="bad_invite"):
        team.invites.accept(token, OTHER, "c")
    assert team.invites.all() == ()
    assert team.accounts.log_in("anna", OTHER, "d")


def test_an_invitation_ends_is_replaced_and_withdrawn(team: Team, clock: Clock) -> None:
    old = team.invites.invite("anna", Role.AGENT, "admin")
    new = team.invites.invite("anna", Role.AGENT, "admin")
    assert team.invites.find(old) is None and team.invites.find(new)
    clock.time += VALID + timedelta(seconds=1)
    assert team.invites.find(new) is None
    last = team.invites.invite("anna", Role.AGENT, "admin")
    team.invites.withdraw("anna", "admin")
    for token in (old, new, last, "", "guess"):
        with pytest.raises(Refused, match="bad_invite"):
            team.invites.accept(token, OTHER, f"address {token}")
    with pytest.raises(AccountError):
        team.invites.withdraw("anna", "admin")


def test_a_forgotten_password_is_set_anew_and_the_role_stays(team: Team) -> None:
    token = team.invites.invite("anna", Role.EDITOR, "admin")
    _, before = team.invites.accept(token, OTHER, "a")
    again = team.invites.invite("anna", Role.ADMIN, "admin")
    _, after = team.invites.accept(again, OTHER + " new", "b")
    assert team.accounts.who(before) is None, "the old sessions end"
    staff = team.accounts.staff(after)
    assert staff and staff.role is Role.EDITOR
    with pytest.raises(Refused, match="wrong"):
        team.accounts.log_in("anna", OTHER, "c")


def test_nobody_is_invited_before_there_is_an_admin(database: Database) -> None:
    accounts = Accounts(database)
    with pytest.raises(AccountError, match="admin first"):
        Invites(database, accounts).invite("anna", Role.AGENT, "terminal:x")
    assert accounts.setup_token(), "the first start's token still works"


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "-x", "x" * 41, "a\nb", "<b>", "a/b"])
def test_names_that_are_none(team: Team, name: str) -> None:
    with pytest.raises(AccountError, match="cannot be the name"):
        team.invites.invite(name, Role.AGENT, "admin")


def test_a_new_password_ends_all_sessions(team: Team) -> None:
    sessions = [team.accounts.log_in("admin", PASSWORD, f"a{n}") for n in range(3)]
    with pytest.raises(Refused, match="wrong_old"):
        team.accounts.change_password("admin", OTHER, OTHER, "b")
    with pytest.raises(Refused, match="length"):
        team.accounts.change_password("admin", PASSWORD, "short", "c")
    session = team.accounts.change_password("admin", PASSWORD, OTHER, "d")
    assert [team.accounts.who(s) for s in sessions] == [None] * 3
    assert team.accounts.who(session) == "admin"


def test_a_token_is_renewed_and_a_copy_of_the_old_one_ends_the_session(
    team: Team, clock: Clock
) -> None:
    first, sessions = team.accounts.log_in("admin", PASSWORD, "a"), team.accounts.sessions
    assert sessions.renew(first) is None, "too early"
    clock.time += RENEW + timedelta(seconds=1)
    second = sessions.renew(first)
    assert second and second != first
    assert sessions.renew(first) is None, "only once"
    assert team.accounts.who(first) == team.accounts.who(second) == "admin"
    clock.time += GRACE + timedelta(seconds=1)
    assert team.accounts.who(second) == "admin"
    assert team.accounts.who(first) is None, "replayed after it was replaced"
    assert team.accounts.who(second) is None, "somebody has a copy: both are out"


def test_200_wrong_logins_are_hashed_ten_times_at_most(team: Team) -> None:
    before, waits = team.accounts.hasher.verified, []
    for number in range(200):
        with pytest.raises(Refused) as refused:
            team.accounts.log_in("admin", "wrong password here", f"10.0.0.{number}")
        waits.append(refused.value.wait)
    assert team.accounts.hasher.verified - before <= 10
    assert all(wait > 0 for wait in waits[10:])


def test_an_unknown_a_disabled_and_a_known_name_are_hashed_alike(team: Team) -> None:
    team.invites.accept(team.invites.invite("anna", Role.AGENT, "admin"), OTHER, "a")
    team.accounts.disable("anna", "admin")
    said = []
    for number, name in enumerate(("nobody", "anna", "admin", "ANNA", "")):
        before = team.accounts.hasher.verified
        with pytest.raises(Refused) as refused:
            password = OTHER if name == "anna" else "wrong password here"
            team.accounts.log_in(name, password, f"b{number}")
        said.append((refused.value.key, team.accounts.hasher.verified - before))
    assert set(said) == {("login.wrong", 1)}


def test_every_change_is_one_row_and_no_secret(team: Team, database: Database) -> None:
    audit = team.accounts.audit
    token = team.invites.invite("anna", Role.AGENT, "admin", "request-1")
    team.invites.accept(token, OTHER, "a")
    team.accounts.set_role("anna", Role.EDITOR, "admin")
    key = team.keys.add("shop", ["chat"], "anna")
    team.keys.revoke(team.keys.all()[0].id, "admin")
    team.keys.revoke(team.keys.all()[0].id, "admin")  # nothing happens any more
    team.accounts.disable("anna", "admin")
    with pytest.raises(Refused):
        team.accounts.log_in(OTHER, OTHER, "b")  # the password in the wrong field
    actions = [entry.action for entry in reversed(audit.entries())]
    assert actions == [
        "account.set up", "account.invited agent", "invite.accepted", "account.role editor",
        "key.added", "key.revoked", "account.disabled", "session.refused",
    ]  # fmt: skip
    assert audit.entries()[-2].request_id == "request-1"
    stored = str(database.rows("SELECT * FROM audit"))
    for secret in (token, key, OTHER, PASSWORD):
        assert secret not in stored
    assert audit.problems() == []


def test_a_row_is_stored_with_its_change_or_not_at_all(team: Team, database: Database) -> None:
    audit = team.accounts.audit
    before = len(audit.entries())
    with pytest.raises(ZeroDivisionError), acting(Act("anna", "x.y")), database.write() as db:
        db.execute("INSERT INTO probe (id, at) VALUES (7, 'now')")
        raise ZeroDivisionError
    assert database.row("SELECT 1 FROM probe WHERE id = 7") is None
    assert len(audit.entries()) == before
    with acting(Act("anna", "x.y", "thing", "r1")):
        for number in (8, 9):
            with database.write() as db:
                db.execute("INSERT INTO probe (id, at) VALUES (?, 'now')", [number])
        with database.write() as db:
            db.execute("DELETE FROM probe WHERE id = 99")  # changes nothing
    assert len(audit.entries()) == before + 1
    row = audit.entries()[0]
    assert (row.actor, row.action, row.object, row.request_id) == ("anna", "x.y", "thing", "r1")


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE audit SET actor = 'eve' WHERE number = 2",
        "UPDATE audit SET object = object || ' ' WHERE number = 3",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit WHERE number = (SELECT MAX(number) FROM audit)",
        "UPDATE audit SET at = '2020-01-01' WHERE number = 1",
    ],
)
def test_tampering_is_refused_and_found(team: Team, database: Database, tamper: str) -> None:
    for number in range(4):
        team.accounts.audit.record("admin", f"act.{number}", "thing")
    assert team.accounts.audit.problems() == []
    with pytest.raises(Exception, match="only appended"):
        database.here.execute(tamper)
    database.here.execute("DROP TRIGGER audit_no_update")
    database.here.execute("DROP TRIGGER audit_no_delete")
    database.here.execute(tamper)
    assert team.accounts.audit.problems()


def test_a_log_made_anew_is_found_by_a_seal_that_was_noted(team: Team, database: Database) -> None:
    audit = team.accounts.audit
    audit.record("admin", "act.1")
    noted = audit.head()
    audit.record("admin", "act.2")
    assert audit.problems(noted) == []
    database.here.execute("DROP TRIGGER audit_no_delete")
    database.here.execute("DELETE FROM audit")
    audit.record("admin", "act.1")
    assert audit.problems() == []
    assert "made anew" in audit.problems(noted)[0]


def test_keys_refuse_what_they_do_not_know(team: Team) -> None:
    for name, scopes, more in (
        ("", ["chat"], {}),
        ("x" * 61, ["chat"], {}),
        ("x", [], {}),
        ("x", ["own"], {}),
        ("x", ["root"], {}),
        ("x", ["chat"], {"days": 0}),
        ("x", ["chat"], {"days": 99_999}),
        ("x", ["chat"], {"owner": "nobody"}),
    ):
        with pytest.raises(AccountError):
            team.keys.add(name, scopes, "admin", **more)  # type: ignore[arg-type]
    assert team.keys.all() == ()
