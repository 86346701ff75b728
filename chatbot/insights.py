"""What happened in a period: volumes, what became of questions, how long it took, what is missing.

A conversation counts as resolved by the assistant when the customer said so with a thumb up on its
last answer, or when it ended with an answer, nobody was called, no thumb went down, and the
visitor did not come back within 48 hours. A hand-over, a refusal, a question back and silence
never count.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from chatbot.store import READABLE
from chatbot.types import Action
from knowledge.database import Database

ANSWERED = frozenset({Action.ANSWER.value, Action.QUOTE.value})
ENDS = ("resolved", "person", "unanswered", "disliked", "returned", "open", "small_talk")
GAPS = 20  # groups of unanswered questions that are shown
INTENTS = 12


@dataclass(frozen=True, slots=True)
class Day:
    """One day, UTC."""

    date: date
    conversations: int  # begun on it
    questions: int


@dataclass(frozen=True, slots=True)
class Time:
    """A stage of a turn."""

    step: str
    p50: float  # milliseconds
    p95: float
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that got no answer, and how often in other spellings of case and punctuation."""

    question: str  # masked, as stored; the newest
    count: int
    language: str
    session: str


@dataclass(frozen=True, slots=True)
class Insights:
    """Everything of one period and language."""

    days: tuple[Day, ...]
    actions: Mapping[str, int]  # Action → replies
    reasons: Mapping[str, int]  # HandoffReason → hand-overs
    ends: Mapping[str, int]  # of ENDS → conversations
    thumbs: tuple[int, int]  # up, down
    times: tuple[Time, ...]
    intents: Mapping[str, int]  # most frequent first
    gaps: tuple[Gap, ...]  # most frequent first

    @property
    def questions(self) -> int:
        return sum(self.actions.values())


def insights(db: Database, days: int, language: str = "", today: date | None = None) -> Insights:
    """The last `days` days up to and with `today` (UTC); `language`: "", or as "zh" or "en"."""
    last = today or datetime.now(UTC).date()
    first = last - timedelta(days=days - 1)
    replies = _replies(db, first, last, language)
    sessions = _sessions(db, first, last, language)
    return Insights(
        days=_days(sessions, replies, first, last),
        actions=Counter(row["action"] for row in replies),
        reasons=_reasons(db, first, last, language),
        ends=_ends(db, sessions),
        thumbs=_thumbs(replies),
        times=_times(replies),
        intents=dict(Counter(r["intent"] for r in replies if r["intent"]).most_common(INTENTS)),
        gaps=_gaps(replies),
    )


def _bounds(first: date, last: date) -> tuple[str, str]:
    return first.isoformat(), (last + timedelta(days=1)).isoformat()


def _replies(db: Database, first: date, last: date, language: str) -> list[dict[str, Any]]:
    """Replies with their question, oldest first; those that were silence are left out."""
    return db.rows(
        "SELECT r.*, q.text AS question, q.created AS asked, t.value AS thumb FROM replies r "
        "JOIN messages q ON q.id = r.question_id LEFT JOIN ratings t ON t.reply_id = r.id "
        "WHERE q.created >= ? AND q.created < ? AND r.action != ? AND r.language LIKE ? "
        "ORDER BY q.number",
        *_bounds(first, last),
        Action.WAIT.value,
        f"{language}%",
    )


def _sessions(db: Database, first: date, last: date, language: str) -> list[dict[str, Any]]:
    """Conversations that began in the period and in which somebody asked something."""
    return db.rows(
        "SELECT s.* FROM sessions s WHERE s.created >= ? AND s.created < ? "
        "AND coalesce(s.language, '') LIKE ? "
        "AND EXISTS (SELECT 1 FROM messages WHERE session_id = s.id AND role = 'user') "
        "ORDER BY s.created",
        *_bounds(first, last),
        f"{language}%",
    )


def _days(
    sessions: Sequence[Mapping[str, Any]],
    replies: Sequence[Mapping[str, Any]],
    first: date,
    last: date,
) -> tuple[Day, ...]:
    begun = Counter(row["created"][:10] for row in sessions)
    asked = Counter(row["asked"][:10] for row in replies)
    count = (last - first).days + 1
    dates = [first + timedelta(days=i) for i in range(count)]
    return tuple(Day(d, begun[d.isoformat()], asked[d.isoformat()]) for d in dates)


def _reasons(db: Database, first: date, last: date, language: str) -> dict[str, int]:
    rows = db.rows(
        "SELECT h.reason, count(*) AS n FROM handoffs h JOIN sessions s ON s.id = h.session_id "
        "WHERE h.created >= ? AND h.created < ? AND coalesce(s.language, '') LIKE ? "
        "GROUP BY h.reason ORDER BY n DESC",
        *_bounds(first, last),
        f"{language}%",
    )
    return {row["reason"]: row["n"] for row in rows}


def _thumbs(replies: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    values = [row["thumb"] for row in replies if row["thumb"]]
    return sum(v > 0 for v in values), sum(v < 0 for v in values)


def _ends(db: Database, sessions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    ends: Counter[str] = Counter()
    now = datetime.now(UTC)
    for session in sessions:
        ends[_end(db, session, now)] += 1
    return {name: ends[name] for name in ENDS}


def _end(db: Database, session: Mapping[str, Any], now: datetime) -> str:
    """How a conversation ended: one of ENDS."""
    if db.row("SELECT 1 FROM handoffs WHERE session_id = ?", session["id"]):
        return "person"
    replies = db.rows(
        "SELECT r.action, t.value AS thumb, m.created FROM replies r "
        "JOIN messages m ON m.id = r.id LEFT JOIN ratings t ON t.reply_id = r.id "
        "WHERE r.session_id = ? ORDER BY m.number",
        session["id"],
    )
    told = [row for row in replies if row["action"] != Action.SMALLTALK.value]
    if not told:
        return "small_talk" if replies else "unanswered"
    if any((row["thumb"] or 0) < 0 for row in told):
        return "disliked"
    if told[-1]["action"] not in ANSWERED:
        return "unanswered"
    if (told[-1]["thumb"] or 0) > 0:
        return "resolved"
    ended = datetime.fromisoformat(replies[-1]["created"])
    if db.row(
        "SELECT 1 FROM sessions WHERE visitor = ? AND id != ? AND created > ? AND created <= ?",
        session["visitor"],
        session["id"],
        replies[-1]["created"],
        (ended + READABLE).isoformat(timespec="milliseconds"),
    ):
        return "returned"
    return "resolved" if now - ended > READABLE else "open"


def _times(replies: Iterable[Mapping[str, Any]]) -> tuple[Time, ...]:
    """In the order of a turn; "turn" is their sum."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row in replies:
        steps: Counter[str] = Counter()
        for step in json.loads(row["trace"] or "[]"):
            steps[step["name"]] += step["ms"]
        for name, ms in steps.items():
            found[name].append(ms)
        found["turn"].append(sum(steps.values()))
    whole = found.pop("turn", [])
    ordered = [*found.items(), ("turn", whole)]
    return tuple(
        Time(name, _percentile(ms, 50), _percentile(ms, 95), len(ms)) for name, ms in ordered if ms
    )


def _percentile(ms: Sequence[float], percent: int) -> float:
    """What this share of the values is at most."""
    return round(float(np.percentile(ms, percent)), 1)


def _gaps(replies: Iterable[Mapping[str, Any]]) -> tuple[Gap, ...]:
    groups: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in replies:
        if row["action"] == Action.REFUSE.value:
            groups[_folded(row["question"])].append(row)
    most = sorted(groups.values(), key=len, reverse=True)[:GAPS]
    return tuple(
        Gap(rows[-1]["question"], len(rows), rows[-1]["language"], rows[-1]["session_id"])
        for rows in most
    )


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()
