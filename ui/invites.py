"""Invitations: a link that works once and makes an account, or sets a forgotten password anew."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from ui.accounts import NAMES, AccountError, Accounts, Refused
from ui.passwords import weakness
from ui.roles import Role
from ui.sessions import sha256

VALID = timedelta(hours=72)
migrations = Migrations("invites")


@migrations()
def m001_invites(db: Sqlite) -> None:
    """One open invitation per name; only the hash of its token."""
    db.execute(
        """CREATE TABLE invites (name TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL, by TEXT NOT NULL, created TEXT NOT NULL, expires TEXT NOT NULL)
            STRICT"""
    )


@dataclass(frozen=True, slots=True)
class Invite:
    """An invitation that nobody used yet."""

    name: str
    role: Role
    by: str
    created: str  # ISO 8601, UTC
    expires: str


class Invites:
    """The open invitations; every method is safe from any thread."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = database
        self._accounts = accounts
        self._now = now
        database.migrate(migrations)

    def invite(self, name: str, role: Role, by: str, request_id: str = "") -> str:
        """The token of a new invitation, replacing one for the same name. Raises AccountError.

        For a name that has an account, it sets a new password; the role stays.
        """
        name = name.strip()
        if not NAMES.fullmatch(name):
            raise AccountError(
                f"{name!r} cannot be the name of an account. Use up to 40 letters, digits, "
                "dots, hyphens, underscores and @, beginning with a letter or digit."
            )
        token, now = secrets.token_urlsafe(24), self._now()
        with self._db.write() as db:
            found = self._accounts.find(name)
            if not self._accounts.ready() and role is not Role.ADMIN:
                raise AccountError("Nobody is admin yet. Invite an admin first.")
            if found is not None and found.disabled:
                raise AccountError(f"{name} is disabled. Enable the account first.")
            row = {
                "name": name,
                "token": sha256(token),
                "role": (found.role if found else role).value,
                "by": by,
                "created": now.isoformat(),
                "expires": (now + VALID).isoformat(),
            }
            db.table("invites").insert(row, replace=True)
            self._accounts.audit.record(by, f"account.invited {row['role']}", name, request_id)
        return token

    def find(self, token: str) -> Invite | None:
        """What a token invites to; None when it was used, replaced, withdrawn or is too old."""
        row = self._db.row(
            "SELECT name, role, by, created, expires FROM invites WHERE token = ? AND expires > ?",
            sha256(token),
            self._now().isoformat(),
        )
        return Invite(**{**row, "role": Role(row["role"])}) if row else None

    def accept(self, token: str, password: str, address: str) -> tuple[str, str]:
        """Set the password and log in: the name, and the session's token. Raises Refused."""
        self._accounts.check_rate(address)
        if self.find(token) is None:
            raise Refused("login.bad_invite")
        if reason := weakness(password):
            raise Refused(reason)
        hashed = self._accounts.hasher.hash(password)
        with self._db.write() as db:
            invite = self.find(token)
            if invite is None:  # somebody was faster
                raise Refused("login.bad_invite")
            found = self._accounts.find(invite.name)
            if found is not None and found.disabled:
                raise Refused("login.bad_invite")
            db.execute("DELETE FROM invites WHERE name = ?", [invite.name])
            self._accounts.put(invite.name, found.role if found else invite.role, hashed)
            self._accounts.sessions.end_all(invite.name)
            self._accounts.audit.record(invite.name, "invite.accepted", invite.name)
            return invite.name, self._accounts.sessions.open(invite.name)

    def all(self) -> tuple[Invite, ...]:
        """Those that can still be used, the latest first."""
        rows = self._db.rows(
            "SELECT name, role, by, created, expires FROM invites WHERE expires > ? "
            "ORDER BY created DESC",
            self._now().isoformat(),
        )
        return tuple(Invite(**{**row, "role": Role(row["role"])}) for row in rows)

    def withdraw(self, name: str, by: str, request_id: str = "") -> None:
        """The link works no more. Raises AccountError."""
        with self._db.write() as db:
            if not db.execute("DELETE FROM invites WHERE name = ?", [name]).rowcount:
                raise AccountError(f"There is no open invitation for {name!r}.")
            self._accounts.audit.record(by, "invite.withdrawn", name, request_id)
