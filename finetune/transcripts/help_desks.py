"""Exports of help desks as their APIs give them: Zendesk tickets, Chatwoot conversations.

Zendesk: developer.zendesk.com, Ticket Comments and Incremental Exports.
Chatwoot: developers.chatwoot.com, Conversations and Messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.transcripts.conversation import (
    BadRow,
    Conversation,
    Report,
    RowError,
    Source,
    Talk,
    Turn,
    conversation,
)
from finetune.transcripts.gathered import Gathered
from finetune.transcripts.json_rows import RowFormat, listed, text_of
from finetune.transcripts.json_stream import Row, rows
from finetune.transcripts.speakers import Speaker, satisfaction, solved
from finetune.transcripts.times import moment

SYSTEM_AUTHOR = -1  # Zendesk's id of itself: triggers and merges
MESSAGE_TYPES: dict[object, Speaker] = {  # Chatwoot's enum, as number and as word
    **dict.fromkeys((0, "incoming"), "customer"),
    **dict.fromkeys((1, "outgoing"), "agent"),
    **dict.fromkeys((2, "activity", 3, "template"), "note"),
}
BOTS = ("agent_bot", "agentbot", "captain::assistant")


def _zendesk(row: Row) -> Talk:
    """Whoever asked is the customer, other public comments are agents', private ones notes."""
    ticket = row.value
    people = [ticket[who] for who in ("requester", "assignee", "submitter") if who in ticket]
    names = {p["id"]: str(p.get("name") or "") for p in people if isinstance(p, dict) and "id" in p}
    requester = ticket.get("requester_id") or _object(ticket.get("requester")).get("id")
    if requester is None:
        raise RowError("no requester_id: it cannot be told who is the customer")
    said = []
    for comment in ticket["comments"]:
        author = comment["author_id"]
        public = comment.get("public", True) is not False and author != SYSTEM_AUTHOR
        who: Speaker = "note" if not public else "customer" if author == requester else "agent"
        text = text_of(comment.get("plain_body") or comment.get("body"))
        name = names.get(author, "")
        said.append(Turn(who, text, moment(comment.get("created_at")), name, str(author)))
    rating = ticket.get("satisfaction_rating")
    score = rating.get("score") if isinstance(rating, dict) else rating
    status = str(ticket.get("status", ""))
    done = solved(status) if status in ("solved", "closed") else None
    return Talk(str(ticket.get("id", "")), said, satisfaction(score), done)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _message(message: Mapping[str, Any]) -> Turn:
    kind = message.get("message_type")
    if kind not in MESSAGE_TYPES:
        raise RowError(f"unknown message_type {kind!r}; known: 0 to 3, incoming, outgoing, …")
    sender = _object(message.get("sender"))
    type = str(sender.get("type") or message.get("sender_type") or "").lower()
    who = MESSAGE_TYPES[kind]
    if message.get("private") is True:
        who = "note"
    elif who == "agent" and type in BOTS:
        who = "bot"
    name, person = str(sender.get("name") or ""), str(sender.get("id") or "")
    return Turn(
        who,
        text_of(message.get("content")),
        moment(message.get("created_at")),
        name if who in ("customer", "agent") else "",
        person or name,
    )


def _rating(messages: list[Any]) -> float | None:
    """The answer to Chatwoot's survey, which is a message of its own."""
    for message in messages:
        values = _object(
            _object(_object(message).get("content_attributes")).get("submitted_values")
        )
        rating = _object(values.get("csat_survey_response")).get("rating")
        if rating is not None:
            return satisfaction(rating)
    return None


def _chatwoot(row: Row) -> Talk:
    value = row.value
    messages = sorted(value["messages"], key=lambda m: str(moment(m.get("created_at"))))
    status = value.get("status")
    done = solved(status) if status == "resolved" else None
    said = [_message(message) for message in messages]
    return Talk(str(value.get("id", "")), said, _rating(messages), done)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"message_type", "content"} <= value.keys()


def _is_zendesk(row: Row) -> bool:
    found = listed(row, "comments")
    return found is not None and len(found) > 0 and "author_id" in _object(found[0])


def _is_chatwoot(row: Row) -> bool:
    found = listed(row, "messages")
    return found is not None and len(found) > 0 and _is_message(found[0])


def _is_loose(row: Row) -> bool:
    """A list of messages, each naming its conversation: GET …/messages."""
    return _is_message(row.value) and "conversation_id" in row.value


LOOSE = "Chatwoot messages"


def read_loose(source: Source, report: Report) -> Iterator[Conversation]:
    """Messages brought together by their conversation_id."""
    gathered = Gathered()
    for row in rows(source, report):
        if _is_loose(row):
            gathered.add(str(row.value["conversation_id"]), row.line, row.value)
        elif row.key in ("", "payload", "data"):
            report(BadRow(source.name, row.line, "no message with conversation_id and content"))
    for id, found in gathered.conversations():
        talk = Row(found[0][0], {"id": id, "messages": [value for _, value in found]})
        try:
            yield conversation(_chatwoot(talk), source.name)
        except RowError as error:
            report(BadRow(source.name, talk.line, str(error)))


FORMATS = (
    RowFormat("Zendesk", _is_zendesk, _zendesk),
    RowFormat("Chatwoot", _is_chatwoot, _chatwoot),
)
LOOSE_FORMAT = RowFormat(LOOSE, _is_loose, _chatwoot)
