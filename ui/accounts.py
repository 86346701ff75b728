"""Staff: accounts with a role, the one-time set-up token, log-in. Secrets are stored as hashes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import ChatbotError
from knowledge.database import Database
from ui.audit import AuditLog
from ui.limits import Limit
from ui.passwords import Hasher, weakness
from ui.roles import Role
from ui.sessions import Sessions, sha256

NAME = "admin"  # of the account that the first start makes
NAMES = re.compile(r"[^\W_][\w.@-]{0,39}")  # letters of any script, digits, . _ - @
PER_ADDRESS_MINUTE = 5
PER_ACCOUNT_HOUR = 10

migrations = Migrations("ui")


@migrations()
def m001_staff(db: Sqlite) -> None:
    """Staff, their sessions, the set-up token, and the row that readiness writes."""
    db.table("staff").create(
        {"name": str, "password": str, "changed": str},
        pk="name",
        not_null={"password", "changed"},
        strict=True,
    )
    db.table("staff_sessions").create(
        {"token": str, "name": str, "created": str, "seen": str},
        pk="token",
        not_null={"name", "created", "seen"},
        foreign_keys=[("name", "staff", "name")],
        strict=True,
    )
    db.table("setup_token").create({"token": str}, pk="token", strict=True)
    db.table("probe").create({"id": int, "at": str}, pk="id", strict=True)


@migrations()
def m002_roles(db: Sqlite) -> None:
    """What each may do, and who may nothing any more; the one account so far was the admin's."""
    db.execute("ALTER TABLE staff ADD COLUMN role TEXT NOT NULL DEFAULT 'viewer'")
    db.execute("ALTER TABLE staff ADD COLUMN disabled TEXT")
    db.execute("UPDATE staff SET role = 'admin'")


class Refused(Exception):
    """A login or set-up that failed; `key` names the text to show."""

    def __init__(self, key: str, wait: int = 0) -> None:
        super().__init__(key)
        self.key = key
        self.wait = wait  # seconds until the next try; 0 when it may be at once


class AccountError(ChatbotError):
    """Something about an account that cannot be done, and why."""


@dataclass(frozen=True, slots=True)
class Staff:
    """One member of staff."""

    name: str
    role: Role
    disabled: str | None = None  # since when; ISO 8601, UTC
    changed: str = ""  # when the password was set; ISO 8601, UTC


class Accounts:
    """The staff of this installation; every method is safe from any thread."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db = database
        self._now = now
        self._address = Limit(PER_ADDRESS_MINUTE, 60)
        self._account = Limit(PER_ACCOUNT_HOUR, 3600)
        database.migrate(migrations)
        self.hasher = Hasher()
        self.sessions = Sessions(database, now)
        self.audit = AuditLog(database, now)

    # The first start

    def ready(self) -> bool:
        """Whether a password was set."""
        return self._db.row("SELECT 1 FROM staff") is not None

    def setup_token(self) -> str | None:
        """A new one-time token, replacing the one before; None once a password was set."""
        token = secrets.token_urlsafe(20)
        with self._db.write() as db:
            if self.ready():
                return None
            db.execute("DELETE FROM setup_token")
            db.table("setup_token").insert({"token": sha256(token)})
        return token

    def set_up(self, token: str, password: str, address: str) -> str:
        """Make the first admin with the token and log in. Raises Refused."""
        self.check_rate(address)
        if reason := weakness(password):
            raise Refused(reason)
        if not self._is_setup_token(token):
            raise Refused("login.bad_token")
        hashed = self.hasher.hash(password)
        with self._db.write() as db:
            if not self._is_setup_token(token):  # somebody was faster
                raise Refused("login.bad_token")
            self.put(NAME, Role.ADMIN, hashed)
            db.execute("DELETE FROM setup_token")
            self.audit.record(NAME, "account.set up", NAME)
            return self.sessions.open(NAME)

    # Log-in

    def check_rate(self, address: str, name: str = "") -> None:
        """Count one try. Raises Refused with the time to wait, before anything is hashed."""
        wait = self._address.wait(address)
        if not wait and name:
            wait = self._account.wait(name[:64].lower())
        if wait:
            raise Refused("login.too_many", wait)

    def log_in(self, name: str, password: str, address: str, old: str | None = None) -> str:
        """A new session's token; the session `old` ends. Raises Refused.

        Limits come before hashing, and an unknown or disabled name is hashed too: neither costs
        the attacker less nor tells more.
        """
        self.check_rate(address, name)
        row = self._db.row("SELECT * FROM staff WHERE name = ?", name)
        right = self.hasher.verify(password, row["password"] if row else None)
        if row is None or not right or row["disabled"]:
            # What was typed is not recorded: people type passwords into the wrong field
            self.audit.record(row["name"] if row else "", "session.refused")
            raise Refused("login.wrong")
        self._account.forget(name.lower())
        with self._db.write():
            if old:
                self.sessions.end(old)
            self.audit.record(name, "session.opened", name)
            return self.sessions.open(name)

    def staff(self, token: str | None, *, touch: bool = True) -> Staff | None:
        """Who is behind a session's token; None when it is over or the account is disabled."""
        name = self.sessions.name(token, touch=touch) if token else None
        found = self.find(name) if name else None
        return found if found and not found.disabled else None

    def who(self, token: str | None, *, touch: bool = True) -> str | None:
        """The name of staff()."""
        found = self.staff(token, touch=touch)
        return found.name if found else None

    def present(self) -> bool:
        """Whether somebody of the staff is logged in and did something lately."""
        return self.sessions.present()

    def log_out(self, token: str) -> None:
        """End the session; an unknown token is ignored."""
        name = self.who(token, touch=False)
        with self._db.write():
            self.sessions.end(token)
            if name:
                self.audit.record(name, "session.closed", name)

    # Accounts

    def all(self) -> tuple[Staff, ...]:
        """By name."""
        rows = self._db.rows("SELECT name, role, disabled, changed FROM staff ORDER BY name")
        return tuple(Staff(**{**row, "role": Role(row["role"])}) for row in rows)

    def find(self, name: str) -> Staff | None:
        """The account of that name."""
        row = self._db.row("SELECT name, role, disabled, changed FROM staff WHERE name = ?", name)
        return Staff(**{**row, "role": Role(row["role"])}) if row else None

    def put(self, name: str, role: Role, hashed: str) -> None:
        """A new account, or another password and role of one; within the caller's transaction."""
        with self._db.write() as db:
            row = {"name": name, "password": hashed, "changed": self._now().isoformat()}
            db.table("staff").upsert({**row, "role": role.value, "disabled": None}, pk="name")

    def change_password(self, name: str, old: str, new: str, address: str) -> str:
        """Another password; all sessions end, and a new one's token is returned. Raises Refused."""
        self.check_rate(address, name)
        row = self._db.row("SELECT password FROM staff WHERE name = ?", name)
        if row is None or not self.hasher.verify(old, row["password"]):
            raise Refused("login.wrong_old")
        if reason := weakness(new):
            raise Refused(reason)
        hashed = self.hasher.hash(new)
        with self._db.write() as db:
            changed = {"password": hashed, "changed": self._now().isoformat()}
            db.table("staff").update(name, changed)
            self.sessions.end_all(name)
            self.audit.record(name, "password.changed", name)
            return self.sessions.open(name)

    def set_role(self, name: str, role: Role, by: str, request_id: str = "") -> None:
        """Another role, from the next call on. Raises AccountError."""
        with self._db.write() as db:
            found = self._known(name)
            if found.role is Role.ADMIN and role is not Role.ADMIN:
                self._check_not_last(found)
            db.table("staff").update(name, {"role": role.value})
            self.audit.record(by, f"account.role {role.value}", name, request_id)

    def disable(self, name: str, by: str, request_id: str = "") -> None:
        """Nothing of this account works any more from the next call on. Raises AccountError."""
        with self._db.write() as db:
            self._check_not_last(self._known(name))
            db.table("staff").update(name, {"disabled": self._now().isoformat()})
            self.sessions.end_all(name)
            self.audit.record(by, "account.disabled", name, request_id)

    def enable(self, name: str, by: str, request_id: str = "") -> None:
        """The account may log in again. Raises AccountError."""
        with self._db.write() as db:
            self._known(name)
            db.table("staff").update(name, {"disabled": None})
            self.audit.record(by, "account.enabled", name, request_id)

    def _known(self, name: str) -> Staff:
        found = self.find(name)
        if found is None:
            known = ", ".join(staff.name for staff in self.all()) or "none yet"
            raise AccountError(f"There is no account {name!r}. Known: {known}.")
        return found

    def _check_not_last(self, staff: Staff) -> None:
        admins = [s.name for s in self.all() if s.role is Role.ADMIN and not s.disabled]
        if admins == [staff.name]:
            raise AccountError(
                f"{staff.name} is the only admin left. Make somebody else an admin first."
            )

    def _is_setup_token(self, token: str) -> bool:
        found = self._db.row("SELECT 1 FROM setup_token WHERE token = ?", sha256(token.strip()))
        return found is not None and not self.ready()
