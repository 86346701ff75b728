"""The work list of thumbs down: each waits until staff correct the answer, or say why not.

A rating is in the list by itself. A correction is an approved answer, which is embedded anew and
counts from the next message on, or an edited source. It is also a line of the team's own golden
file, so that `zhike evaluate answers --golden` asks it again for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot import calls
from chatbot.errors import ChatbotError, NotFound, WrongState
from chatbot.golden import Golden, case_id
from knowledge.approved import Approved
from knowledge.curation import DOCUMENT
from knowledge.database import Database
from knowledge.faq import normal
from knowledge.language import language
from knowledge.pairs import LONGEST_QUESTION, Pair
from knowledge.types import Document

MAX_FACT = 200  # characters that a right answer must contain
MAX_NOTE = 500  # characters of the reason why nothing is corrected
State = Literal["open", "corrected", "dismissed"]
STATES: tuple[State, ...] = ("open", "corrected", "dismissed")
migrations = Migrations("feedback")

# Rated down again after it was settled, a reply is open again.
LIST = """
    SELECT t.reply_id, r.session_id, q.text AS question, m.text AS answer, t.reason,
        t.created, r.language, r.engine, coalesce(p.collection, 'default') AS collection,
        CASE WHEN f.at >= t.created THEN f.state ELSE 'open' END AS state,
        CASE WHEN f.at >= t.created THEN f.note ELSE '' END AS note,
        CASE WHEN f.at >= t.created THEN f.account ELSE '' END AS account
    FROM ratings t JOIN replies r ON r.id = t.reply_id JOIN messages m ON m.id = r.id
        JOIN messages q ON q.id = r.question_id
        LEFT JOIN feedback_settled f ON f.reply_id = t.reply_id
        LEFT JOIN citations p ON p.reply_id = r.id AND p.position = 0
    WHERE t.value = -1 AND """


@migrations()
def m001_settled(db: Sqlite) -> None:
    """What staff did about a rating; it goes when the reply does."""
    db.execute(
        """CREATE TABLE feedback_settled (reply_id TEXT PRIMARY KEY
            REFERENCES replies(id) ON DELETE CASCADE, state TEXT NOT NULL, note TEXT NOT NULL,
            account TEXT NOT NULL, at TEXT NOT NULL) STRICT"""
    )


@dataclass(frozen=True, slots=True)
class Complaint:
    """A reply that a customer rated down."""

    reply_id: str
    session_id: str
    question: str  # masked, as it is stored
    answer: str
    reason: str  # the customer's; "" when none was given
    created: str  # of the rating; ISO 8601, UTC
    language: str
    engine: str
    collection: str  # of the first citation
    state: State
    note: str  # why it was dismissed; the id of the approved answer; or what was edited
    account: str  # who settled it


class Feedback:
    """The list, and the two ways to settle a complaint; safe from any thread."""

    def __init__(self, database: Database, approved: Approved, golden: Golden) -> None:
        """After the store, whose replies the rows point to."""
        self._db = database
        self._approved = approved
        self.golden = golden
        database.migrate(migrations)

    def listed(
        self, state: State = "open", limit: int = 50, before: str | None = None
    ) -> tuple[Complaint, ...]:
        """The latest first; `before`: `created` + `reply_id` of the last one of the page before."""
        rows = self._db.rows(
            f"SELECT * FROM ({LIST} TRUE) WHERE state = ? "
            "AND (? IS NULL OR created || reply_id < ?) "
            "ORDER BY created DESC, reply_id DESC LIMIT ?",
            state,
            before,
            before,
            limit,
        )
        return tuple(Complaint(**row) for row in rows)

    def waiting(self) -> int:
        """How many are open."""
        row = self._db.row(f"SELECT count(*) AS n FROM ({LIST} TRUE) WHERE state = 'open'")
        return int(row["n"]) if row else 0

    def find(self, reply_id: str) -> Complaint:
        """Raises NotFound for a reply that nobody rated down."""
        row = self._db.row(f"{LIST} t.reply_id = ?", reply_id)
        if row is None:
            raise NotFound(f"Nobody rated a reply {reply_id!r} down.")
        return Complaint(**row)

    def correct(
        self, reply_id: str, question: str, answer: str, by: str, collection: str = ""
    ) -> Pair:
        """Approve this answer to the question, in place of one that answers it already.

        question: as a customer asks it, without what an earlier message would have to say.
        Raises NotFound, WrongState when it is settled, BadPair, ChatbotError when the golden file
        cannot be written; it stays open then and can be corrected again.
        """
        complaint = self._open(reply_id)
        place = collection.strip() or complaint.collection
        same = self._same(question, answer, place)
        if same is None:
            pair = self._approved.add(question, answer, (), place)
        else:
            pair = self._approved.edit(same.id, answer=answer)
            if pair.state != "on":
                pair = self._approved.enable(pair.id)
        line = {
            "language": pair.language,
            "question": " ".join(question.split()),
            "answerable": True,
            "documents": [*pair.files, DOCUMENT],
            "facts": [[pair.answer]],
        }
        self._keep(complaint, line)
        self._settle(reply_id, "corrected", pair.id, by)
        return pair

    def source_edited(
        self, reply_id: str, question: str, document: Document, by: str, fact: str = ""
    ) -> None:
        """The document was edited so that it answers this question, as a customer asks it.

        fact: what the right answer contains; "" where that is not checked. Raises NotFound,
        WrongState when it is settled, ChatbotError as correct() does.
        """
        asked, fact = " ".join(question.split()), " ".join(fact.split())
        if not 1 <= len(asked) <= LONGEST_QUESTION or len(fact) > MAX_FACT:
            raise ChatbotError(
                f"The question has 1 to {LONGEST_QUESTION} characters, what the answer contains "
                f"at most {MAX_FACT}."
            )
        complaint = self._open(reply_id)
        line = {
            "language": language(asked, complaint.language),
            "question": asked,
            "answerable": True,
            "documents": [document.path],
            "facts": [[fact]] if fact else [],
        }
        self._keep(complaint, line)
        note = f"{document.path}, version {document.draft or document.version}"
        self._settle(reply_id, "corrected", note, by)

    def dismiss(self, reply_id: str, note: str, by: str) -> None:
        """Nothing is corrected, and `note` says why. Raises NotFound, WrongState, ChatbotError."""
        if not 1 <= len(note.strip()) <= MAX_NOTE:
            raise ChatbotError(f"Say in 1 to {MAX_NOTE} characters why nothing is corrected.")
        self._open(reply_id)
        self._settle(reply_id, "dismissed", note.strip(), by)

    def _open(self, reply_id: str) -> Complaint:
        complaint = self.find(reply_id)
        if complaint.state != "open":
            raise WrongState(f"This was {complaint.state} by {complaint.account} already.")
        return complaint

    def _same(self, question: str, answer: str, collection: str) -> Pair | None:
        """The pair that is asked this already, in the language of the new answer."""
        key, spoken = normal(question), _spoken(answer, question)
        for pair in self._approved.pairs(collection):
            ways = {normal(way) for way in (pair.question, *pair.phrasings)}
            if key in ways and pair.language.split("-")[0] == spoken:
                return pair
        return None

    def _settle(self, reply_id: str, state: State, note: str, by: str) -> None:
        row = {"reply_id": reply_id, "state": state, "note": note, "account": by}
        with self._db.write() as db:
            db.table("feedback_settled").insert({**row, "at": calls.now()}, replace=True)

    def _keep(self, complaint: Complaint, line: dict[str, Any]) -> None:
        """The case as a line of the golden file, in place of one of the same reply."""
        with self.golden.locked():
            self.find(complaint.reply_id)  # NotFound when its visitor was erased meanwhile
            self.golden.keep({"id": case_id(complaint.reply_id), **line})


def _spoken(answer: str, question: str) -> str:
    return language(answer, language(question)).split("-")[0]
