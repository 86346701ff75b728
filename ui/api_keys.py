"""API keys: for programs, with scopes, shown once, kept as hashes, revoked at the next call."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from ui.accounts import AccountError, Accounts
from ui.limits import Limit
from ui.roles import KEY_SCOPES, ROLES, Scope
from ui.sessions import sha256

PREFIX = "zk_"
DAYS = 365  # that a key is valid if nothing else is said
MAX_NAME = 60
PER_KEY_MINUTE = 600
migrations = Migrations("api_keys")


@migrations()
def m001_keys(db: Sqlite) -> None:
    """Keys by an id that may be shown; the key itself is nowhere."""
    db.execute(
        """CREATE TABLE api_keys (id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL, scopes TEXT NOT NULL, owner TEXT NOT NULL, created TEXT NOT NULL,
            expires TEXT, revoked TEXT, used TEXT) STRICT"""
    )


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as people may see it."""

    id: str
    name: str
    scopes: frozenset[Scope]
    owner: str  # the account that made it; "" for one made in the terminal
    created: str  # ISO 8601, UTC
    expires: str | None  # None: never
    revoked: str | None
    used: str | None  # the last time, to the minute

    def state(self, now: datetime) -> str:
        """ "valid", "expired" or "revoked"."""
        if self.revoked:
            return "revoked"
        return "expired" if self.expires and self.expires <= now.isoformat() else "valid"


@dataclass(frozen=True, slots=True)
class Principal:
    """The program behind a call, and what it may do."""

    id: str  # of its key
    name: str  # as the audit log has it
    scopes: frozenset[Scope]
    agent: str  # the account that answers customers: the owner's, or the key itself


class KeyRefused(Exception):
    """Why a call with this key does not pass: HTTP status and one sentence."""

    def __init__(self, status: int, message: str, wait: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.wait = wait  # seconds, with status 429


class Keys:
    """The keys of this installation; every method is safe from any thread."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = database
        self._accounts = accounts
        self._now = now
        self._rate = Limit(PER_KEY_MINUTE, 60)
        database.migrate(migrations)

    def add(
        self,
        name: str,
        scopes: Iterable[str],
        by: str,
        *,
        owner: str = "",
        days: int | None = DAYS,
        request_id: str = "",
    ) -> str:
        """A new key, to be shown this once. Raises AccountError.

        owner: an account; the key never may more than that account, and nothing once it is
        disabled. days: None is for ever.
        """
        name, wanted = name.strip(), _known(scopes)
        if not 1 <= len(name) <= MAX_NAME:
            raise AccountError(f"The name of a key has 1 to {MAX_NAME} characters.")
        if days is not None and not 1 <= days <= 3650:
            raise AccountError("A key is valid for 1 to 3650 days.")
        if owner and self._accounts.find(owner) is None:
            raise AccountError(f"There is no account {owner!r}.")
        now, key = self._now(), PREFIX + secrets.token_urlsafe(32)
        row = {
            "id": secrets.token_hex(4),
            "key": sha256(key),
            "name": name,
            "scopes": json.dumps(sorted(wanted)),
            "owner": owner,
            "created": now.isoformat(),
            "expires": (now + timedelta(days=days)).isoformat() if days else None,
        }
        with self._db.write() as db:
            db.table("api_keys").insert(row)
            self._accounts.audit.record(by, "key.added", f"{row['id']} {name}", request_id)
        return key

    def all(self) -> tuple[ApiKey, ...]:
        """The latest first, revoked and expired ones too."""
        rows = self._db.rows("SELECT * FROM api_keys ORDER BY created DESC, rowid DESC")
        return tuple(_key(row) for row in rows)

    def revoke(self, id_: str, by: str, request_id: str = "") -> None:
        """The key works no more, from the next call on. Raises AccountError."""
        with self._db.write() as db:
            row = self._db.row("SELECT revoked FROM api_keys WHERE id = ?", id_)
            if row is None:
                raise AccountError(f"There is no key with the id {id_!r}.")
            if row["revoked"] is None:
                db.table("api_keys").update(id_, {"revoked": self._now().isoformat()})
                self._accounts.audit.record(by, "key.revoked", id_, request_id)

    def check(self, authorization: str | None, scope: Scope) -> Principal:
        """Who calls, from the header `Authorization: Bearer zk_…`. Raises KeyRefused.

        401 for a key that is missing, unknown, expired, revoked or whose owner is disabled; 403
        without the scope; 429 above PER_KEY_MINUTE. Works for every route of programs.
        """
        kind, _, key = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not key.strip():
            raise KeyRefused(401, "Send an API key in the header 'Authorization: Bearer zk_…'.")
        row = self._db.row("SELECT * FROM api_keys WHERE key = ?", sha256(key.strip()))
        found = _key(row) if row else None
        if found is None or found.state(self._now()) != "valid":
            raise KeyRefused(401, "This API key is not valid.")
        scopes = found.scopes & self._of_owner(found.owner)
        if wait := self._rate.wait(found.id):
            raise KeyRefused(429, f"Too many requests with this key; wait {wait} s.", wait)
        if scope not in scopes:
            raise KeyRefused(403, f"This API key lacks the scope {scope.value!r}.")
        self._touch(found)
        name = f"key:{found.name}"
        return Principal(found.id, name, scopes, found.owner or name)

    def _of_owner(self, owner: str) -> frozenset[Scope]:
        if not owner:
            return ALL_SCOPES
        staff = self._accounts.find(owner)
        if staff is None or staff.disabled:
            raise KeyRefused(401, "This API key is not valid.")
        return ROLES[staff.role]

    def _touch(self, key: ApiKey) -> None:
        minute = self._now().isoformat(timespec="minutes")
        if key.used != minute:  # a write per minute, not per call
            with self._db.write() as db:
                db.table("api_keys").update(key.id, {"used": minute})


ALL_SCOPES: frozenset[Scope] = frozenset(KEY_SCOPES)


def _known(scopes: Iterable[str]) -> set[str]:
    wanted, known = set(scopes), [scope.value for scope in KEY_SCOPES]
    if unknown := sorted(wanted - set(known)):
        raise AccountError(f"{unknown[0]!r} is no scope. Known: {', '.join(known)}.")
    if not wanted:
        raise AccountError(f"Give the key at least one scope of: {', '.join(known)}.")
    return wanted


def _key(row: dict[str, Any]) -> ApiKey:
    scopes = frozenset(Scope(s) for s in json.loads(row["scopes"]))
    kept = {name: value for name, value in row.items() if name not in ("key", "scopes")}
    return ApiKey(**kept, scopes=scopes)
