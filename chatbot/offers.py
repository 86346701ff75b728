"""What a reply offers as buttons: choices of a question back, approved questions near a miss."""

from __future__ import annotations

from typing import TypedDict

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.followup import CJK
from chatbot.types import Reply
from knowledge.knowledge_base import KnowledgeBase

migrations = Migrations("offers")

NEAR = 0.84  # cosine of a question to one worth offering; unrelated ones reach .82 here
MOST = 3  # suggestions after a refusal
HIDDEN = frozenset({"off", "gone"})  # pairs that would not answer


@migrations()
def m001_offers(db: Sqlite) -> None:
    """Owner is the reply: its deletion deletes them."""
    db.execute(
        "CREATE TABLE offers (reply_id TEXT NOT NULL REFERENCES replies(id) ON DELETE CASCADE, "
        "kind TEXT NOT NULL, position INTEGER NOT NULL, text TEXT NOT NULL, "
        "PRIMARY KEY (reply_id, kind, position)) STRICT"
    )


class Offered(TypedDict):
    """As the fields of a Reply."""

    choices: tuple[str, ...]
    suggestions: tuple[str, ...]


def keep(db: Sqlite, reply: Reply) -> None:
    """Store what the reply offers, inside the caller's transaction."""
    for kind, texts in (("choice", reply.choices), ("suggestion", reply.suggestions)):
        db.table("offers").insert_all(
            {"reply_id": reply.id, "kind": kind, "position": n, "text": text}
            for n, text in enumerate(texts)
        )


def of(db: Sqlite, reply_id: str) -> Offered:
    """What a stored reply offers."""
    rows = list(
        db.query("SELECT kind, text FROM offers WHERE reply_id = ? ORDER BY position", [reply_id])
    )
    return Offered(
        choices=tuple(row["text"] for row in rows if row["kind"] == "choice"),
        suggestions=tuple(row["text"] for row in rows if row["kind"] == "suggestion"),
    )


def near(
    knowledge: KnowledgeBase, question: str, language: str, collection: str | None
) -> tuple[str, ...]:
    """Approved questions near one that found no answer, nearest first, in its script."""
    chinese = language.startswith("zh")
    found = knowledge.faq_candidates(question, collection=collection, language=language)
    ids = [c.pair for c in found if c.score >= NEAR and c.why not in HIDDEN]
    asks = {p.id: p.question for p in knowledge.approved.pairs() if p.answers} if ids else {}
    texts = [asks[id_] for id_ in dict.fromkeys(ids) if id_ in asks]
    return tuple(text for text in texts if bool(CJK.search(text)) == chinese)[:MOST]


def first(
    knowledge: KnowledgeBase, language: str, collection: str | None, most: int, longest: int
) -> tuple[str, ...]:
    """Approved questions of at most `longest` characters to begin with: those given most often,
    then some of each subject."""
    family = language.split("-")[0]
    pairs = [
        pair
        for pair in knowledge.approved.pairs()
        if pair.answers
        and len(pair.question) <= longest
        and pair.language.split("-")[0] == family
        and (collection is None or pair.collection == collection)
    ]
    pairs = [p for p in pairs if p.language == language] or pairs  # zh-Hans will do for zh-Hant
    given = sorted((p for p in pairs if p.hits), key=lambda p: -p.hits)[:most]
    rest = [p for p in pairs if not p.hits]  # by collection and question: neighbours are alike
    wanted = most - len(given)
    step = max(1, len(rest) // wanted) if wanted else 1
    chosen = given + rest[::step][:wanted]
    return tuple(dict.fromkeys(pair.question for pair in chosen))
