"""A person takes over: the queue, what agents do with a conversation, what its customer is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chatbot import calls, drafts
from chatbot.errors import ChatbotError, NotFound, WrongState
from chatbot.masking import Masker
from chatbot.packet import Packet
from chatbot.states import Event, Outcome, State
from chatbot.store import Store, new_id
from chatbot.translated import Wording, keep
from chatbot.types import HandoffReason, Message, Session
from knowledge.database import Database

MAX_TEXT = 4_000  # characters of an agent's message or note
MAX_CONTACT = 200  # characters: an address or number, and when to call
MAX_NAME = 60
Queue = Literal["waiting", "mine", "others", "solved"]
ENDINGS: tuple[Outcome, ...] = ("solved", "unsolved", "spam")

# The last row of each conversation's hand-overs says how it stands.
LINES = """
    SELECT h.session_id, h.reason, h.agent, h.created, h.closed, h.outcome, s.language, s.state,
    s.channel, (SELECT text FROM messages WHERE session_id = s.id AND role = 'user'
        ORDER BY number DESC LIMIT 1) AS last_text,
    (SELECT MAX(number) FROM messages WHERE session_id = s.id) AS last_number
    FROM handoffs h JOIN sessions s ON s.id = h.session_id WHERE """
QUEUES: dict[Queue, str] = {
    "waiting": "h.closed IS NULL AND s.state = 'waiting' AND ? != '' ORDER BY h.created, h.rowid",
    "mine": "h.closed IS NULL AND s.state = 'person' AND h.agent = ? ORDER BY last_number DESC",
    "others": "h.closed IS NULL AND s.state = 'person' AND h.agent != ? ORDER BY last_number DESC",
    "solved": "h.closed IS NOT NULL AND ? != '' AND h.rowid = (SELECT MAX(rowid) FROM handoffs "
    "WHERE session_id = h.session_id) ORDER BY h.closed DESC",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in a queue."""

    session_id: str
    reason: HandoffReason
    agent: str | None  # account
    created: str  # when a person was called; ISO 8601, UTC
    closed: str | None
    outcome: Outcome | None
    language: str | None
    state: State
    channel: str
    last_text: str  # of the customer
    last_number: int  # grows with every message


@dataclass(frozen=True, slots=True)
class Status:
    """How a customer's call for a person stands."""

    state: State
    position: int = 0  # in the queue, from 1; 0 when not waiting
    since: str | None = None  # of the open call; ISO 8601, UTC
    agent: str = ""  # name of the person who has the conversation
    reason: HandoffReason | None = None
    outcome: Outcome | None = None  # of the latest ended call
    contact: bool = False  # the customer left an address for this call
    last: int = 0  # number of the latest message that the customer may read
    quiet: bool = False  # nothing was said since the latest call ended


class Handovers:
    """Every method is one transaction and safe from any thread."""

    def __init__(self, database: Database, store: Store) -> None:
        self._db = database
        self._store = store

    # What customers do

    def request(self, session_id: str, visitor: str, reason: HandoffReason, note: str = "") -> None:
        """Call a person into the visitor's own session; a second call changes nothing."""
        self._store.session(session_id, visitor)
        with self._db.write() as db:
            calls.call(db, new_id(), session_id, reason, Masker().mask(note), self._store.noticing)

    def status(self, session_id: str, visitor: str) -> Status:
        """How the call in the visitor's own session stands. Raises NotFound."""
        state: State = self._store.session(session_id, visitor).state
        row, last = self._latest(session_id), self._last(session_id)
        if row is None:
            return Status(state, last=last)
        if row["closed"] is not None:
            quiet = last <= (row["until"] or 0)
            return Status(state, outcome=row["outcome"], last=last, quiet=quiet)
        name = self._db.row("SELECT name FROM agents WHERE account = ?", row["agent"])
        left = self._db.row("SELECT 1 FROM contacts WHERE handoff_id = ?", row["id"])
        return Status(
            state,
            self._position(row) if state == "waiting" else 0,
            row["created"],
            name["name"] if name else "",
            HandoffReason(row["reason"]),
            contact=left is not None,
            last=last,
        )

    def leave_contact(self, session_id: str, visitor: str, text: str) -> None:
        """Where to reach the customer; only the agent who takes this call reads it.

        The conversation keeps a note of it, with the address masked.
        """
        self._store.session(session_id, visitor)
        text = _text(text, MAX_CONTACT, "contact")
        with self._db.write() as db:
            row = self._open(session_id)
            values = {"handoff_id": row["id"], "text": text, "created": calls.now()}
            db.table("contacts").insert(values, replace=True)
            masker = Masker()
            masker.mask(text)
            kinds = ", ".join(dict.fromkeys(masker.found)) or "contact"
            self._store.add_message(session_id, "note", f"[{kinds.upper()}]")

    # What agents read

    def queue(self, name: Queue, agent: str, limit: int = 50) -> tuple[Line, ...]:
        """Longest waiting first; of the others, the latest first."""
        rows = self._db.rows(f"{LINES}{QUEUES[name]} LIMIT ?", agent, limit)
        return tuple(
            Line(**{**row, "reason": HandoffReason(row["reason"]), "last_text": _first(row)})
            for row in rows
        )

    def counts(self, agent: str) -> dict[Queue, int]:
        """How many wait, are this agent's, are other agents'. One scan of the open calls."""
        row = self._db.row(
            "SELECT COUNT(*) FILTER (WHERE s.state = 'waiting') AS waiting, "
            "COUNT(*) FILTER (WHERE s.state = 'person' AND h.agent = ?) AS mine, "
            "COUNT(*) FILTER (WHERE s.state = 'person' AND h.agent != ?) AS others "
            "FROM handoffs h JOIN sessions s ON s.id = h.session_id WHERE h.closed IS NULL",
            agent,
            agent,
        )
        if row is None:
            return {}
        return {"waiting": row["waiting"], "mine": row["mine"], "others": row["others"]}

    def session(self, session_id: str) -> Session:
        """A conversation that a person was called into, for staff. Raises NotFound."""
        row = self._db.row(
            "SELECT s.* FROM sessions s WHERE id = ? AND EXISTS "
            "(SELECT 1 FROM handoffs WHERE session_id = s.id)",
            session_id,
        )
        if row is None:
            raise NotFound(f"No person was called into a conversation {session_id!r}.")
        return Session(**row)

    def line(self, session_id: str) -> Line | None:
        """How this conversation stands; None when nobody was ever called."""
        where = "s.id = ? ORDER BY h.rowid DESC LIMIT 1"
        row = self._db.row(LINES + where, session_id)
        if row is None:
            return None
        return Line(**{**row, "reason": HandoffReason(row["reason"]), "last_text": _first(row)})

    def packet(self, session_id: str) -> Packet | None:
        """What was gathered at the latest call; None for calls of an older version."""
        row = self._latest(session_id)
        return Packet.from_json(row["packet"]) if row and row["packet"] else None

    def contact(self, session_id: str, agent: str) -> str | None:
        """What the customer left, for the agent of that call only."""
        row = self._db.row(
            "SELECT c.text FROM contacts c JOIN handoffs h ON h.id = c.handoff_id "
            "WHERE h.session_id = ? AND h.agent = ? ORDER BY h.rowid DESC LIMIT 1",
            session_id,
            agent,
        )
        return str(row["text"]) if row else None

    def has_contact(self, session_id: str) -> bool:
        """Whether the customer left a contact for the latest call."""
        return (
            self._db.row(
                "SELECT 1 FROM contacts c JOIN handoffs h ON h.id = c.handoff_id "
                "WHERE h.session_id = ?",
                session_id,
            )
            is not None
        )

    # What agents do

    def take(self, session_id: str, agent: str) -> None:
        """The conversation is this agent's from now on; also when a colleague had it."""
        with self._db.write() as db:
            calls.move(db, session_id, Event.TAKE)
            taken = {"agent": agent, "taken": calls.now()}
            db.table("handoffs").update(self._open(session_id)["id"], taken)

    def say(
        self,
        session_id: str,
        agent: str,
        text: str,
        behind: Wording | None = None,
        suggested: str = "",
    ) -> Message:
        """Write to the customer. A waiting conversation is taken with it.

        The text is stored as written: it is the shop's own word. `behind`: what the agent wrote,
        where the text is its translation; `suggested`: what the assistant had proposed, kept where
        the text is a version of it. Only staff read either. Raises WrongState when the conversation
        is a colleague's, or nobody's any more.
        """
        text = _text(text, MAX_TEXT, "message")
        with self._db.write() as db:
            if self._open(session_id)["agent"] is None:
                self.take(session_id, agent)
            self._own(session_id, agent)
            message = self._store.add_message(session_id, "agent", text, self.name(agent))
            if behind is not None:
                keep(db, message.id, behind)
            if suggested and drafts.is_version(text, suggested):
                drafts.keep(db, message.id, suggested)
            return message

    def note(self, session_id: str, agent: str, text: str) -> Message:
        """A note for colleagues; the customer never sees it, the assistant never reads it."""
        text = _text(text, MAX_TEXT, "note")
        with self._db.write() as db:
            calls.state(db, session_id)
            return self._store.add_message(session_id, "note", text, self.name(agent) or agent)

    def give_back(self, session_id: str, agent: str) -> None:
        """The assistant answers again; its memory begins here."""
        self._end(session_id, agent, Event.RETURN, "returned")

    def close(self, session_id: str, agent: str, outcome: Outcome) -> None:
        """End the conversation; the customer may open it again by writing."""
        if outcome not in ENDINGS:
            raise ChatbotError(f"{outcome!r} is no outcome. Known: {', '.join(ENDINGS)}.")
        self._end(session_id, agent, Event.CLOSE, outcome)

    def name(self, agent: str) -> str:
        """The name that customers see; empty until the agent gives one."""
        row = self._db.row("SELECT name FROM agents WHERE account = ?", agent)
        return str(row["name"]) if row else ""

    def rename(self, agent: str, name: str) -> None:
        """Give the name that customers see from the next message on."""
        name = _text(name, MAX_NAME, "name")
        with self._db.write() as db:
            db.table("agents").insert({"account": agent, "name": name}, replace=True)

    def _end(self, session_id: str, agent: str, event: Event, outcome: Outcome) -> None:
        with self._db.write() as db:
            row = self._own(session_id, agent)
            calls.move(db, session_id, event)
            until = self._last(session_id)
            ended = {"closed": calls.now(), "outcome": outcome, "until": until}
            db.table("handoffs").update(row["id"], {"agent": agent} | ended)

    def _last(self, session_id: str) -> int:
        row = self._db.row(
            "SELECT MAX(number) AS n FROM messages WHERE session_id = ? AND role != 'note'",
            session_id,
        )
        return int(row["n"] or 0) if row else 0

    def _latest(self, session_id: str) -> dict[str, Any] | None:
        return self._db.row(
            "SELECT rowid, * FROM handoffs WHERE session_id = ? ORDER BY rowid DESC LIMIT 1",
            session_id,
        )

    def _open(self, session_id: str) -> dict[str, Any]:
        row = self._latest(session_id)
        if row is None:
            raise NotFound(f"No person was called into a conversation {session_id!r}.")
        if row["closed"] is not None:
            raise WrongState("The call for a person has ended meanwhile. Read the list again.")
        return row

    def _own(self, session_id: str, agent: str) -> dict[str, Any]:
        """The open call, when it is this agent's or nobody's."""
        row = self._open(session_id)
        if row["agent"] not in (None, agent):
            raise WrongState("A colleague has this conversation. Assign it to yourself first.")
        return row

    def _position(self, row: dict[str, Any]) -> int:
        found = self._db.row(
            "SELECT COUNT(*) AS n FROM handoffs h JOIN sessions s ON s.id = h.session_id "
            "WHERE h.closed IS NULL AND s.state = 'waiting' AND (h.created, h.rowid) <= (?, ?)",
            row["created"],
            row["rowid"],
        )
        return int(found["n"]) if found else 0


def _first(row: dict[str, Any]) -> str:
    """The customer's last message; none in a conversation that began with the call."""
    return row["last_text"] or ""


def _text(text: str, limit: int, what: str) -> str:
    """Without space around it; 1 to `limit` characters, or a sentence."""
    text = text.strip()
    if not text:
        raise ChatbotError(f"The {what} is empty. Write something first.")
    if len(text) > limit:
        raise ChatbotError(f"The {what} has {len(text)} characters; at most {limit} are possible.")
    return text
