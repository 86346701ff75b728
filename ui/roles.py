"""Who may do what: roles, scopes, and the scope that each desk event, download and route needs.

One table for people and for API keys. What is not listed is closed: a new file of desk events is
admins' until it has a row here, a new function in a listed file needs what changes need, and a
route without a row answers 403.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """One thing that somebody may do."""

    OWN = "own"  # what everybody who is logged in may: the page, the language, the own password
    CHAT = "chat"  # ask the assistant
    KNOWLEDGE_READ = "knowledge:read"  # documents, passages, approved answers, searches
    KNOWLEDGE_WRITE = "knowledge:write"
    INTENTS_READ = "intents:read"
    INTENTS_WRITE = "intents:write"
    CONVERSATIONS = "conversations"  # read conversations with their traces
    FEEDBACK = "feedback"  # rate replies
    HANDOVERS = "handovers"  # answer customers who wait for a person
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"  # train, promote, roll back
    ADMIN = "admin"  # people, keys, audit log, webhooks


class Role(StrEnum):
    """What a member of staff is."""

    ADMIN = "admin"
    EDITOR = "editor"
    AGENT = "agent"
    VIEWER = "viewer"


READS = frozenset(
    (Scope.OWN, Scope.KNOWLEDGE_READ, Scope.INTENTS_READ, Scope.CONVERSATIONS, Scope.RUNS_READ)
)
ROLES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: READS,
    Role.AGENT: READS | {Scope.CHAT, Scope.HANDOVERS, Scope.FEEDBACK},
    Role.EDITOR: READS
    | {
        *(Scope.CHAT, Scope.FEEDBACK, Scope.KNOWLEDGE_WRITE),
        *(Scope.INTENTS_WRITE, Scope.RUNS_WRITE),
    },
    Role.ADMIN: frozenset(Scope),
}
KEY_SCOPES = tuple(scope for scope in Scope if scope is not Scope.OWN)  # what a key may have


def may(role: Role, scope: Scope) -> bool:
    """Whether the role has the scope."""
    return scope in ROLES[role]


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one file under ui/pages: `readers` need `read`, all others `write`.

    `ticks` are what every open page calls by itself, so that it keeps no session up; such a
    function asks for the role and gives nothing without it, since a refusal would be an alert.
    """

    read: Scope
    write: Scope
    readers: frozenset[str] = frozenset()
    ticks: frozenset[str] = frozenset()


def _events(read: Scope, write: Scope, *readers: str) -> Events:
    return Events(read, write, frozenset(readers))


_KNOWLEDGE = (Scope.KNOWLEDGE_READ, Scope.KNOWLEDGE_WRITE)
_INTENTS = (Scope.INTENTS_READ, Scope.INTENTS_WRITE)
_RUNS = (Scope.RUNS_READ, Scope.RUNS_WRITE)
DESK: dict[str, Events] = {
    "documents": _events(*_KNOWLEDGE, "fill", "_listed", "_show"),
    "chunks": _events(*_KNOWLEDGE, "<lambda>"),
    "search_bench": _events(*_KNOWLEDGE, "_tried", "_tried_again"),
    "upload": _events(*_KNOWLEDGE),
    "upload_place": _events(*_KNOWLEDGE, "_left", "_offered"),
    "document_life": _events(*_KNOWLEDGE, "_looked", "_again"),
    "document_editor": _events(*_KNOWLEDGE, "close", "_reworded"),
    "collections": _events(*_KNOWLEDGE, "<lambda>"),
    "approved": _events(
        *_KNOWLEDGE, "fill", "_listed", "_reworded", "_select", "_tried", "<lambda>"
    ),
    "canned": _events(Scope.HANDOVERS, Scope.HANDOVERS, "_show"),
    "inbox": Events(
        Scope.HANDOVERS,
        Scope.HANDOVERS,
        frozenset(("fill", "_switch", "_read", "_inserted")),
        ticks=frozenset(("_look",)),
    ),
    "suggesting": _events(Scope.HANDOVERS, Scope.HANDOVERS, "_suggested"),
    "translating": Events(
        Scope.HANDOVERS,
        Scope.HANDOVERS,
        frozenset(("_drafted", "_stopped", "_undone")),
        ticks=frozenset(("follow",)),
    ),
    "conversations": _events(
        Scope.CONVERSATIONS, Scope.FEEDBACK, "fill", "_show", "_turn_page", "<lambda>"
    ),
    "feedback": _events(
        Scope.CONVERSATIONS, Scope.KNOWLEDGE_WRITE, "fill", "_listed", "_other_state", "_show"
    ),
    "insights": _events(Scope.CONVERSATIONS, Scope.CONVERSATIONS, "fill", "_choose"),
    "intents": _events(*_INTENTS, "fill", "_show", "_blank", "_tried", "<lambda>"),
    "names_card": _events(*_INTENTS, "_tried"),
    # What customers wrote takes more than the intents.
    "suggested": _events(Scope.CONVERSATIONS, Scope.INTENTS_WRITE, "_looked", "_intents"),
    "training": _events(*_RUNS, "fill", "_follow"),
    "lessons": _events(Scope.CONVERSATIONS, Scope.RUNS_WRITE, "_listed"),
    "look": _events(Scope.CONVERSATIONS, Scope.RUNS_WRITE, "_chosen", "_listed", "_masked"),
    "tagger": _events(*_RUNS),
    "health": _events(Scope.OWN, Scope.KNOWLEDGE_WRITE, "fill", "_check"),
    "people": _events(Scope.ADMIN, Scope.ADMIN, "fill"),
    "keys_card": _events(Scope.ADMIN, Scope.ADMIN, "_listed"),
    "webhooks_card": _events(Scope.ADMIN, Scope.ADMIN, "_looked", "_followed"),
    "audit_card": _events(Scope.ADMIN, Scope.ADMIN, "fill", "_verified"),
    "desk": _events(Scope.OWN, Scope.OWN, "_open", "_switch", "fill", "_greet"),
}
TABS: dict[str, Scope] = {  # what it takes to see a tab of the desk
    "documents": Scope.KNOWLEDGE_READ,
    "approved": Scope.KNOWLEDGE_READ,
    "inbox": Scope.HANDOVERS,
    "conversations": Scope.CONVERSATIONS,
    "feedback": Scope.CONVERSATIONS,
    "insights": Scope.CONVERSATIONS,
    "intents": Scope.INTENTS_READ,
    "training": Scope.RUNS_READ,
    "health": Scope.OWN,
    "people": Scope.ADMIN,
}
# Addresses under /desk that bring or give files; one of the scopes is enough.
FILES: dict[str, frozenset[Scope]] = {
    "/desk/export.zip": frozenset({Scope.KNOWLEDGE_READ}),
    "/desk/approved-answers.csv": frozenset({Scope.KNOWLEDGE_READ}),
    "/desk/calibration.csv": frozenset({Scope.KNOWLEDGE_READ}),
    "/desk/insights.csv": frozenset({Scope.CONVERSATIONS}),
    "/desk/gradio_api/upload": frozenset(
        {Scope.KNOWLEDGE_WRITE, Scope.RUNS_WRITE, Scope.INTENTS_WRITE}
    ),
    "/desk/gradio_api/upload_progress": frozenset(
        {Scope.KNOWLEDGE_WRITE, Scope.RUNS_WRITE, Scope.INTENTS_WRITE}
    ),
}
# Calls that change something outside this process's transactions: recorded before they are made.
OUTSIDE = frozenset(
    {
        *("training._started", "training._resumed", "training.<lambda>", "lessons._learning"),
        "tagger._trained",
        "webhooks_card._tested",
    }
)

_API = "/api/v1"
ROUTES: dict[tuple[str, str], Scope] = {  # what a key needs; of GET, GET is meant alone
    ("GET", f"{_API}/conversations"): Scope.CONVERSATIONS,
    ("GET", f"{_API}/conversations/{{conversation_id}}"): Scope.CONVERSATIONS,
    ("POST", f"{_API}/replies/{{reply_id}}/feedback"): Scope.FEEDBACK,
    ("GET", f"{_API}/feedback"): Scope.CONVERSATIONS,
    ("GET", f"{_API}/feedback/{{reply_id}}"): Scope.CONVERSATIONS,
    ("POST", f"{_API}/feedback/{{reply_id}}/correct"): Scope.KNOWLEDGE_WRITE,
    ("POST", f"{_API}/feedback/{{reply_id}}/dismiss"): Scope.KNOWLEDGE_WRITE,
    ("GET", f"{_API}/handovers"): Scope.HANDOVERS,
    ("POST", f"{_API}/handovers/{{conversation_id}}/take"): Scope.HANDOVERS,
    ("POST", f"{_API}/handovers/{{conversation_id}}/messages"): Scope.HANDOVERS,
    ("POST", f"{_API}/handovers/{{conversation_id}}/return"): Scope.HANDOVERS,
    ("POST", f"{_API}/handovers/{{conversation_id}}/close"): Scope.HANDOVERS,
    ("GET", f"{_API}/documents"): Scope.KNOWLEDGE_READ,
    ("POST", f"{_API}/documents"): Scope.KNOWLEDGE_WRITE,
    ("GET", f"{_API}/documents/{{document_id}}"): Scope.KNOWLEDGE_READ,
    ("DELETE", f"{_API}/documents/{{document_id}}"): Scope.KNOWLEDGE_WRITE,
    ("POST", f"{_API}/documents/{{document_id}}/publish"): Scope.KNOWLEDGE_WRITE,
    ("GET", f"{_API}/approved-answers"): Scope.KNOWLEDGE_READ,
    ("POST", f"{_API}/approved-answers"): Scope.KNOWLEDGE_WRITE,
    ("GET", f"{_API}/approved-answers/{{pair_id}}"): Scope.KNOWLEDGE_READ,
    ("PATCH", f"{_API}/approved-answers/{{pair_id}}"): Scope.KNOWLEDGE_WRITE,
    ("DELETE", f"{_API}/approved-answers/{{pair_id}}"): Scope.KNOWLEDGE_WRITE,
    ("GET", f"{_API}/intents"): Scope.INTENTS_READ,
    ("POST", f"{_API}/intents/{{name}}/examples"): Scope.INTENTS_WRITE,
    ("GET", f"{_API}/runs"): Scope.RUNS_READ,
    ("POST", f"{_API}/runs/{{name}}/promote"): Scope.RUNS_WRITE,
    ("POST", f"{_API}/runs/rollback"): Scope.RUNS_WRITE,
    ("GET", f"{_API}/webhooks"): Scope.ADMIN,
    ("POST", f"{_API}/webhooks"): Scope.ADMIN,
    ("DELETE", f"{_API}/webhooks/{{webhook_id}}"): Scope.ADMIN,
    ("POST", f"{_API}/webhooks/{{webhook_id}}/test"): Scope.ADMIN,
    ("POST", f"{_API}/webhooks/{{webhook_id}}/pause"): Scope.ADMIN,
    ("POST", f"{_API}/webhooks/{{webhook_id}}/resume"): Scope.ADMIN,
    ("GET", f"{_API}/webhooks/{{webhook_id}}/deliveries"): Scope.ADMIN,
    ("POST", f"{_API}/webhooks/{{webhook_id}}/retry"): Scope.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the desk's page can call."""

    name: str  # file and function, such as "documents._listed"
    scope: Scope
    changes: bool  # whether it goes into the audit log
    ticks: bool = False  # whether the page calls it by itself


def event(function: Callable[..., Any]) -> Event:
    """What a handler of a Gradio event needs; admins' where its file is not listed."""
    inner = getattr(function, "func", function)  # of a partial
    file = inner.__module__.rpartition(".")[2]
    called = inner.__qualname__.rpartition(".")[2]
    row = DESK.get(file)
    if row is None:
        return Event(f"{file}.{called}", Scope.ADMIN, True)
    if called in row.ticks:
        return Event(f"{file}.{called}", Scope.OWN, False, True)
    reads = called in row.readers
    return Event(f"{file}.{called}", row.read if reads else row.write, not reads)
