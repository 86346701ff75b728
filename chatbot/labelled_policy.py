"""What is done with whole conversations, against what a team says should be done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.store import new_id
from chatbot.types import EVALUATION, Action, HandoffReason, Incoming, Reply

SPOKEN = {Action.ANSWER: Action.QUOTE}  # both answer from the documents; who writes is a setting


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a customer writes, and what is to be done with the last message."""

    turns: tuple[str, ...]
    action: Action
    reason: HandoffReason | None = None  # of a hand-over, where it is labelled


def read(path: Path) -> list[Conversation]:
    """Lines {"turns": […], "action", "reason"}. Raises ChatbotError naming file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ChatbotError(f"{path}: the conversations cannot be read ({error}).") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(_conversation(line, f"{path}:{number}"))
    if not found:
        raise ChatbotError(f"{path}: there is no conversation in it.")
    return found


def _conversation(line: str, where: str) -> Conversation:
    try:
        row = json.loads(line)
        turns = tuple(row["turns"])
        if not turns or not all(isinstance(turn, str) for turn in turns):
            raise ValueError("turns is a list of texts")
        reason = HandoffReason(row["reason"]) if row.get("reason") else None
        return Conversation(turns, Action(row["action"]), reason)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChatbotError(
            f'{where}: not a conversation ({error}). Each line needs "turns" and "action", one of '
            f"{', '.join(Action)}; and for hand_over a reason, one of {', '.join(HandoffReason)}."
        ) from error


def ask(app: App, conversation: Conversation) -> Reply:
    """The reply to the last message, after the others were said in a session of its own."""
    visitor = new_id()
    session = app.store.open_session(visitor, EVALUATION)
    replies = [
        app.assistant.reply(Incoming(text, visitor, session.id, EVALUATION))
        for text in conversation.turns
    ]
    return replies[-1]


def scores(judged: Iterable[tuple[Conversation, Reply]]) -> dict[str, Any]:
    """{"accuracy", "conversations", "by_action": {action: {"precision", "recall", "count"}},
    "wrong"}; a hand-over for another reason than the labelled one is wrong."""
    pairs = [(one, reply, _done(one, reply)) for one, reply in judged]
    right = [done == one.action.value for one, _, done in pairs]
    names = sorted({one.action.value for one, _, _ in pairs})
    return {
        "accuracy": round(sum(right) / len(pairs), 4),
        "conversations": len(pairs),
        "by_action": {name: _action(name, pairs) for name in names},
        "wrong": [
            {
                "turns": list(one.turns),
                "action": one.action.value,
                "reason": one.reason.value if one.reason else None,
                "found": done,
                "found_reason": reply.reason.value if reply.reason else None,
            }
            for one, reply, done in pairs
            if done != one.action.value
        ],
    }


def _done(one: Conversation, reply: Reply) -> str:
    """The action; with the reason where that is not the labelled one."""
    action = SPOKEN.get(reply.action, reply.action)
    if action is Action.HAND_OVER and one.reason and reply.reason is not one.reason:
        return f"{action.value} ({reply.reason.value if reply.reason else 'no reason'})"
    return action.value


def _action(name: str, pairs: Sequence[tuple[Conversation, Reply, str]]) -> dict[str, Any]:
    wanted = [one.action.value == name for one, _, _ in pairs]
    found = [done.partition(" ")[0] == name for _, _, done in pairs]
    hit = sum(one.action.value == name == done for one, _, done in pairs)
    return {
        "precision": round(hit / sum(found), 4) if any(found) else None,
        "recall": round(hit / sum(wanted), 4),
        "count": sum(wanted),
    }
