"""What is told, and when: triggers of SQLite that write a delivery in the event's transaction.

So an event that is stored is told, and one that is rolled back is not, whichever process it
happens in. A payload names things and holds no text: who may read it asks the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from knowledge.curation import DOCUMENT
from knowledge.database import Database


class Event(StrEnum):
    """What a webhook can be told."""

    HANDOVER_REQUESTED = "handover.requested"
    HANDOVER_CLOSED = "handover.closed"
    CONVERSATION_CLOSED = "conversation.closed"
    FEEDBACK_DOWN = "feedback.down"
    DOCUMENT_PUBLISHED = "document.published"


TEST = "webhook.test"  # sent by hand only
NOW = "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"  # as isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class _Trigger:
    """When an event has happened, in SQL; NEW is the row that it happened to."""

    name: str
    table: str
    when: str  # "AFTER INSERT", "AFTER UPDATE OF column", …
    condition: str
    event: Event
    session: str  # expression; NULL where it belongs to no conversation
    data: str  # arguments of json_object()


_OF_SESSION = "(SELECT {0} FROM sessions WHERE id = NEW.session_id)"
_HANDOVER = (
    "'conversation_id', NEW.session_id, 'handover_id', NEW.id, 'reason', NEW.reason, 'language', "
    f"{_OF_SESSION.format('language')}, 'channel', {_OF_SESSION.format('channel')}"
)
_RATED = "(SELECT {0} FROM replies WHERE id = NEW.reply_id)"
_DOCUMENT = (
    "'document_id', NEW.id, 'collection', NEW.collection, 'document', NEW.path, "
    "'version', NEW.version"
)
_FOUND = f"NEW.published AND NEW.path != '{DOCUMENT}'"  # not the pairs of staff
TRIGGERS = (
    _Trigger(
        "webhook_handover_requested", "handoffs", "AFTER INSERT", "NEW.closed IS NULL",
        Event.HANDOVER_REQUESTED, "NEW.session_id", _HANDOVER,
    ),
    _Trigger(
        "webhook_handover_closed", "handoffs", "AFTER UPDATE OF closed",
        "OLD.closed IS NULL AND NEW.closed IS NOT NULL",
        Event.HANDOVER_CLOSED, "NEW.session_id", f"{_HANDOVER}, 'outcome', NEW.outcome",
    ),
    _Trigger(
        "webhook_conversation_closed", "sessions", "AFTER UPDATE OF state",
        "NEW.state = 'closed' AND OLD.state != 'closed'",
        Event.CONVERSATION_CLOSED, "NEW.id",
        "'conversation_id', NEW.id, 'language', NEW.language, 'channel', NEW.channel",
    ),
    # Before: a thumb that is given again, with a reason, replaces the row and is no second event.
    _Trigger(
        "webhook_feedback_down", "ratings", "BEFORE INSERT",
        "NEW.value = -1 AND NOT EXISTS "
        "(SELECT 1 FROM ratings WHERE reply_id = NEW.reply_id AND value = -1)",
        Event.FEEDBACK_DOWN, _RATED.format("session_id"),
        f"'conversation_id', {_RATED.format('session_id')}, 'reply_id', NEW.reply_id, "
        f"'action', {_RATED.format('action')}, 'engine', {_RATED.format('engine')}, "
        f"'language', {_RATED.format('language')}",
    ),
    _Trigger(
        "webhook_document_added", "documents", "AFTER INSERT", _FOUND,
        Event.DOCUMENT_PUBLISHED, "NULL", _DOCUMENT,
    ),
    _Trigger(
        "webhook_document_published", "documents", "AFTER UPDATE OF published, version",
        f"{_FOUND} AND (NOT OLD.published OR NEW.version != OLD.version)",
        Event.DOCUMENT_PUBLISHED, "NULL", _DOCUMENT,
    ),
)  # fmt: skip


def watch(database: Database) -> None:
    """Make the triggers that are missing, for the tables that there are."""
    rows = database.rows("SELECT type, name FROM sqlite_master WHERE type IN ('table', 'trigger')")
    there = {(row["type"], row["name"]) for row in rows}
    missing = [
        trigger
        for trigger in TRIGGERS
        if ("table", trigger.table) in there and ("trigger", trigger.name) not in there
    ]
    if missing:
        with database.write() as db:
            for trigger in missing:
                db.execute(_sql(trigger))


def _sql(trigger: _Trigger) -> str:
    body = (
        f"json_object('type', '{trigger.event}', 'timestamp', {NOW}, "
        f"'data', json_object({trigger.data}))"
    )
    return (
        f"CREATE TRIGGER IF NOT EXISTS {trigger.name} {trigger.when} ON {trigger.table} "
        f"WHEN {trigger.condition} BEGIN INSERT INTO webhook_deliveries "
        "(id, webhook_id, event, session_id, body, created, due) "
        f"SELECT 'msg_' || lower(hex(randomblob(16))), w.id, '{trigger.event}', "
        f"{trigger.session}, {body}, {NOW}, {NOW} FROM webhooks w WHERE EXISTS "
        f"(SELECT 1 FROM json_each(w.events) WHERE value = '{trigger.event}'); END"
    )
