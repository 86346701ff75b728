"""Webhooks and their deliveries in SQLite: what is to be sent, what was, what was given up."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import ChatbotError, NotFound
from knowledge.database import Database
from ui.audit import AuditLog
from ui.webhooks import events
from ui.webhooks.addresses import check
from ui.webhooks.events import TEST, Event
from ui.webhooks.posting import Outcome, new_secret, post

MOST = 50  # webhooks of an installation
TRIES = 10
FIRST_PAUSE, FACTOR, LONGEST_PAUSE = 5, 4, 6 * 3600  # seconds: 5, 20, 80 … 6 h; 20 h in all
JITTER = 0.1  # so that a receiver which comes back is not asked for everything at once
KEPT = {"sent": timedelta(days=7), "dead": timedelta(days=30)}
State = Literal["waiting", "sent", "dead"]
STATES: tuple[State, ...] = ("waiting", "sent", "dead")
migrations = Migrations("webhooks")


@migrations()
def m001_webhooks(db: Sqlite) -> None:
    """The key to sign with must be readable here. A delivery goes with its conversation."""
    db.execute(
        """CREATE TABLE webhooks (id TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL,
            events TEXT NOT NULL, created TEXT NOT NULL) STRICT"""
    )
    db.execute(
        """CREATE TABLE webhook_deliveries (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            webhook_id TEXT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
            event TEXT NOT NULL, session_id TEXT, body TEXT NOT NULL, created TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting', tries INTEGER NOT NULL DEFAULT 0,
            due TEXT NOT NULL, status INTEGER, error TEXT NOT NULL DEFAULT '') STRICT"""
    )
    db.execute("CREATE INDEX webhook_deliveries_due ON webhook_deliveries (state, due)")
    db.execute("CREATE INDEX webhook_deliveries_of ON webhook_deliveries (webhook_id, number)")


@migrations()
def m002_paused(db: Sqlite) -> None:
    """What happens meanwhile waits."""
    db.execute("ALTER TABLE webhooks ADD COLUMN paused INTEGER NOT NULL DEFAULT 0")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody who is told; the key to sign with is shown once, when it is made."""

    id: str
    url: str
    events: tuple[str, ...]
    created: str  # ISO 8601, UTC
    paused: bool  # nothing is sent, all waits
    waiting: int  # deliveries
    sent: int  # in the last week
    dead: int  # given up in the last month


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook."""

    id: str  # webhook-id: the same for every try
    webhook_id: str
    event: str
    created: str  # ISO 8601, UTC
    state: State
    tries: int
    due: str  # of the next try; once settled, of the last one
    status: int | None  # that was answered last
    error: str  # of the last try; "" when it was taken


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery with all that it takes to send it."""

    id: str
    webhook_id: str
    url: str
    secret: str
    body: str
    tries: int


class Webhooks:
    """Every method is one transaction and safe from any thread."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = database
        self._audit = audit
        self._now = now
        database.migrate(migrations)
        events.watch(database)

    def all(self) -> tuple[Webhook, ...]:
        """In the order in which they were made."""
        counts = ", ".join(
            f"(SELECT count(*) FROM webhook_deliveries WHERE webhook_id = w.id "
            f"AND state = '{state}') AS {state}"
            for state in STATES
        )
        rows = self._db.rows(
            f"SELECT id, url, events, created, paused, {counts} FROM webhooks w "
            "ORDER BY created, rowid"
        )
        return tuple(_webhook(row) for row in rows)

    def find(self, id_: str) -> Webhook:
        """Raises NotFound."""
        found = next((hook for hook in self.all() if hook.id == id_), None)
        if found is None:
            raise NotFound(f"There is no webhook {id_!r}. See `zhike webhooks list`.")
        return found

    def add(
        self, url: str, wanted: Iterable[str], by: str, *, loopback: bool = False
    ) -> tuple[Webhook, str]:
        """Tell this address of these events; no event means all. The webhook and its secret.

        Raises BadAddress, ChatbotError.
        """
        url, chosen = url.strip(), _known(wanted)
        check(url, loopback=loopback)
        id_, secret = f"wh_{secrets.token_hex(6)}", new_secret()
        row = {"id": id_, "url": url, "secret": secret, "events": json.dumps(chosen)}
        with self._db.write() as db:
            if len(self.all()) >= MOST:
                raise ChatbotError(f"There are {MOST} webhooks already; remove one first.")
            db.table("webhooks").insert(row | {"created": self._stamp()})
            self._audit.record(by, "webhook.added", id_)
        return self.find(id_), secret

    def pause(self, id_: str, by: str, *, on: bool) -> None:
        """Send nothing until it is switched off again; what happens meanwhile waits. NotFound."""
        self.find(id_)
        with self._db.write() as db:
            db.execute("UPDATE webhooks SET paused = ? WHERE id = ?", [int(on), id_])
            self._audit.record(by, "webhook.paused" if on else "webhook.resumed", id_)

    def remove(self, id_: str, by: str) -> None:
        """Nothing more is sent, not even what waits. Raises NotFound."""
        self.find(id_)
        with self._db.write() as db:
            db.execute("DELETE FROM webhooks WHERE id = ?", [id_])
            self._audit.record(by, "webhook.removed", id_)

    def test(self, id_: str, *, loopback: bool = False) -> Outcome:
        """Send the event `webhook.test` now, once. Raises NotFound."""
        self.find(id_)
        row = self._db.row("SELECT url, secret FROM webhooks WHERE id = ?", id_)
        assert row is not None
        body = {"type": TEST, "timestamp": self._stamp(), "data": {"webhook_id": id_}}
        message = f"msg_{secrets.token_hex(16)}"
        return post(row["url"], row["secret"], message, json.dumps(body), loopback=loopback)

    def deliveries(
        self, id_: str, state: State | None = None, limit: int = 50, before: int | None = None
    ) -> list[tuple[int, Delivery]]:
        """The latest first, each with its number; `before`: only lower numbers. NotFound."""
        self.find(id_)
        rows = self._db.rows(
            "SELECT number, id, webhook_id, event, created, state, tries, due, status, error "
            "FROM webhook_deliveries WHERE webhook_id = ?1 AND (?2 IS NULL OR state = ?2) "
            "AND (?3 IS NULL OR number < ?3) ORDER BY number DESC LIMIT ?4",
            *(id_, state, before, limit),
        )
        return [(row.pop("number"), Delivery(**row)) for row in rows]

    def retry(self, id_: str, by: str) -> int:
        """Send what was given up again, from the first pause on; how many. Raises NotFound."""
        self.find(id_)
        with self._db.write() as db:
            again = db.execute(
                "UPDATE webhook_deliveries SET state = 'waiting', tries = 0, due = ? "
                "WHERE webhook_id = ? AND state = 'dead'",
                [self._stamp(), id_],
            ).rowcount
            if again:
                self._audit.record(by, "webhook.retried", id_)
        return int(again)

    def due(self, webhook_id: str | None = None) -> list[Due]:
        """Of each webhook, or of this one, the delivery whose time came first."""
        rows = self._db.rows(
            # The other columns are those of the row with the minimum
            "SELECT d.id, d.webhook_id, w.url, w.secret, d.body, d.tries, "
            "min(d.due || printf('%012d', d.number)) AS first FROM webhook_deliveries d "
            "JOIN webhooks w ON w.id = d.webhook_id "
            "WHERE d.state = 'waiting' AND NOT w.paused AND d.due <= ?1 "
            "AND (?2 IS NULL OR w.id = ?2) "
            "GROUP BY w.id",
            *(self._stamp(), webhook_id),
        )
        for row in rows:
            del row["first"]
        return [Due(**row) for row in rows]

    def settle(self, delivery: Due, outcome: Outcome) -> None:
        """It was taken, or waits for its next try, or was tried often enough."""
        tries = delivery.tries + 1
        state, wait = "sent", 0.0
        if not outcome.taken:
            given_up = tries >= TRIES or outcome.status == 410  # Gone: it wants no more
            state, wait = ("dead", 0.0) if given_up else ("waiting", pause(tries, outcome.pause))
        with self._db.write() as db:
            db.execute(
                "UPDATE webhook_deliveries SET state = ?, tries = ?, due = ?, status = ?, "
                "error = ? WHERE id = ?",
                [state, tries, self._stamp(wait), outcome.status, outcome.error, delivery.id],
            )

    def tidy(self) -> None:
        """Forget what was sent a week ago and given up a month ago."""
        with self._db.write() as db:
            for state, kept in KEPT.items():
                db.execute(
                    "DELETE FROM webhook_deliveries WHERE state = ? AND due < ?",
                    [state, self._stamp(-kept.total_seconds())],
                )

    def _stamp(self, later: float = 0.0) -> str:
        """`later`: seconds from now."""
        moment = self._now() + timedelta(seconds=later)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def pause(tries: int, asked: int = 0) -> float:
    """Seconds until the next try after so many; at least what the receiver asked for."""
    wait: float = min(FIRST_PAUSE * FACTOR ** (tries - 1), LONGEST_PAUSE)
    return max(wait, asked) * (1 + random.uniform(0, JITTER))


def _webhook(row: dict[str, Any]) -> Webhook:
    events_, paused = tuple(json.loads(row["events"])), bool(row["paused"])
    return Webhook(**{**row, "events": events_, "paused": paused})


def _known(wanted: Iterable[str]) -> list[str]:
    chosen, known = sorted(set(wanted)), [event.value for event in Event]
    if unknown := [name for name in chosen if name not in known]:
        raise ChatbotError(f"{unknown[0]!r} is no event. Known: {', '.join(known)}.")
    return chosen or known
