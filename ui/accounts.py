"""Staff: the password, the one-time set-up token, sessions. Secrets are stored only as hashes."""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pwdlib import PasswordHash
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from ui.limits import Limit

NAME = "admin"
MIN_PASSWORD = 12  # characters (ASVS 6.2.1 asks for 8, recommends 15)
MAX_PASSWORD = 256  # characters; argon2 hashes any length, a request need not carry it
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
PER_ADDRESS_MINUTE = 5
PER_ACCOUNT_HOUR = 10

# Words that most leaked passwords are made of; digits and signs around them do not help.
WORDS = """
    password passwort qwerty qwertyuiop qwertyuiopasdfghjkl asdfghjkl zxcvbnm iloveyou letmein
    welcome monkey dragon football baseball superman princess sunshine master shadow admin
    administrator root login access secret changeme default zhike customer support test
    woaini aini wodemima mima abc abcd abcdef abcdefg abcdefgh a q qwe qaz wsx qazwsx
"""
COMMON = frozenset(WORDS.split())
LEET = str.maketrans("0134578@$!", "oieastbasi")

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


class Refused(Exception):
    """A login or set-up that failed; `key` names the text to show."""

    def __init__(self, key: str, wait: int = 0) -> None:
        super().__init__(key)
        self.key = key
        self.wait = wait  # seconds until the next try; 0 when it may be at once


class Accounts:
    """The staff of this installation; every method is safe from any thread."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db = database
        self._now = now
        self._hasher = PasswordHash.recommended()
        self._one = threading.Lock()  # one hash at a time: argon2 takes 0.25 s of all memory lanes
        self._address = Limit(PER_ADDRESS_MINUTE, 60)
        self._account = Limit(PER_ACCOUNT_HOUR, 3600)
        database.migrate(migrations)
        self._nobody = self._hasher.hash(secrets.token_hex(16))

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
            db.table("setup_token").insert({"token": _sha256(token)})
        return token

    def set_up(self, token: str, password: str, address: str) -> str:
        """Set the first password with the token and log in. Raises Refused."""
        if wait := self._address.wait(address):
            raise Refused("login.too_many", wait)
        if reason := weakness(password):
            raise Refused(reason)
        if not self._is_setup_token(token):
            raise Refused("login.bad_token")
        with self._one:
            hashed = self._hasher.hash(password)
        with self._db.write() as db:
            if not self._is_setup_token(token):  # somebody was faster
                raise Refused("login.bad_token")
            db.table("staff").insert({"name": NAME, "password": hashed, "changed": self._stamp()})
            db.execute("DELETE FROM setup_token")
        return self._open(NAME)

    def log_in(self, name: str, password: str, address: str, old: str | None = None) -> str:
        """A new session's token; the session `old` ends. Raises Refused.

        Limits come before hashing, and an unknown name is hashed too: neither costs the
        attacker less nor tells more.
        """
        if wait := self._address.wait(address) or self._account.wait(name[:64].lower()):
            raise Refused("login.too_many", wait)
        row = self._db.row("SELECT password FROM staff WHERE name = ?", name)
        with self._one:
            right = self._hasher.verify(
                password[:MAX_PASSWORD], row["password"] if row else self._nobody
            )
        if row is None or not right:
            raise Refused("login.wrong")
        self._account.forget(name.lower())
        if old:
            self.log_out(old)
        return self._open(name)

    def who(self, token: str | None, *, touch: bool = True) -> str | None:
        """The name behind a session's token, or None when it is unknown or over."""
        if not token:
            return None
        row = self._db.row("SELECT * FROM staff_sessions WHERE token = ?", _sha256(token))
        if row is None:
            return None
        now, seen = self._now(), datetime.fromisoformat(row["seen"])
        if now - seen > IDLE or now - datetime.fromisoformat(row["created"]) > ABSOLUTE:
            self.log_out(token)
            return None
        if touch and now - seen > timedelta(minutes=1):  # a write per minute, not per request
            with self._db.write() as db:
                db.table("staff_sessions").update(row["token"], {"seen": self._stamp()})
        return str(row["name"])

    def present(self) -> bool:
        """Whether somebody of the staff is logged in and did something within IDLE."""
        now = self._now()
        seen, created = ((now - span).isoformat() for span in (IDLE, ABSOLUTE))
        sql = "SELECT 1 FROM staff_sessions WHERE seen >= ? AND created >= ?"
        return self._db.row(sql, seen, created) is not None

    def log_out(self, token: str) -> None:
        """End the session; an unknown token is ignored."""
        with self._db.write() as db:
            db.execute("DELETE FROM staff_sessions WHERE token = ?", [_sha256(token)])

    def _open(self, name: str) -> str:
        token = secrets.token_urlsafe(32)
        oldest = (self._now() - ABSOLUTE).isoformat()
        with self._db.write() as db:
            db.execute("DELETE FROM staff_sessions WHERE created < ?", [oldest])
            db.table("staff_sessions").insert(
                {
                    "token": _sha256(token),
                    "name": name,
                    "created": self._stamp(),
                    "seen": self._stamp(),
                }
            )
        return token

    def _is_setup_token(self, token: str) -> bool:
        found = self._db.row("SELECT 1 FROM setup_token WHERE token = ?", _sha256(token.strip()))
        return found is not None and not self.ready()

    def _stamp(self) -> str:
        return self._now().isoformat()


def weakness(password: str) -> str | None:
    """The key of the text that says why a password is refused, or None."""
    if len(password) < MIN_PASSWORD or len(password) > MAX_PASSWORD:
        return "login.length"
    lower = password.lower()
    words = {
        re.sub(r"[^a-z]", "", lower),
        re.sub(r"[^a-z]", "", lower.translate(LEET)),
        re.sub(r"[^a-z]", "", lower.rstrip("0123456789!@#$%^&*._-").translate(LEET)),
    }
    if len(set(lower)) < 5 or words & COMMON or "" in words or _is_run(lower):
        return "login.common"
    return None


def _is_run(text: str) -> bool:
    """Whether it repeats one short part or only walks along the alphabet, e.g. abcdefghijkl."""
    repeats = any(text == (text[:n] * len(text))[: len(text)] for n in range(1, 6))
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(text)}
    return repeats or steps <= {1} or steps <= {-1}


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
