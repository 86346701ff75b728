"""Approved answers in the hands of staff: added, edited, switched off, removed, imported."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlite_utils import Database as Sqlite

from knowledge import pair_rows
from knowledge.curation import DOCUMENT, WHY, Decision
from knowledge.database import Database
from knowledge.errors import NotFound
from knowledge.faq import normal
from knowledge.language import language
from knowledge.pair_rows import Ready
from knowledge.pairs import BadPair, Pair, checked, fingerprint, read
from knowledge.types import Embedder, FaqPair


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the pairs of a file."""

    added: int
    changed: int
    unchanged: int


class Approved:
    """The approved answers of all collections; every change is one transaction.

    A change counts at once, in every process. What staff wrote stands before what files say.
    """

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database, self._embedder = database, embedder

    def pairs(self, collection: str | None = None, *, removed: bool = False) -> list[Pair]:
        """By collection and question; None lists all collections.

        removed: also those that staff removed and a file still has.
        """
        return [
            pair
            for pair in read(self._database)
            if (removed or pair.state != "removed") and collection in (None, pair.collection)
        ]

    def find(self, id_: str) -> Pair:
        """By id, also a removed one that its file still has. Raises NotFound."""
        pair = next((pair for pair in read(self._database) if pair.id == id_.strip()), None)
        if pair is None:
            raise NotFound(
                f"There is no approved answer {id_!r}. List the approved answers to see their ids."
            )
        return pair

    def add(
        self,
        question: str,
        answer: str,
        phrasings: Sequence[str] = (),
        collection: str = "default",
    ) -> Pair:
        """A pair made by hand. Raises BadPair when a part is empty or is another pair's."""
        ready = self._ready(checked(question, answer, phrasings))
        with self._database.write() as db:
            id_ = self._add(db, ready, collection)
        return self.find(id_)

    def edit(
        self,
        id_: str,
        question: str | None = None,
        answer: str | None = None,
        phrasings: Sequence[str] | None = None,
    ) -> Pair:
        """Give a pair another text; None leaves a part as it is. Raises BadPair, NotFound.

        A pair of a file is staff's from then on: adding the file again does not undo the edit.
        """
        pair = self.find(id_)
        text = checked(
            pair.question if question is None else question,
            pair.answer if answer is None else answer,
            pair.phrasings if phrasings is None else phrasings,
        )
        if text != pair.text:
            ready = self._ready(text)
            with self._database.write() as db:
                self._edit(db, self.find(id_), ready)
            self._database.checkpoint()
        return self.find(id_)

    def enable(self, id_: str, *, enabled: bool = True) -> Pair:
        """Let a pair answer or not; also brings a removed one back. Raises NotFound."""
        with self._database.write() as db:
            pair = self.find(id_)
            if enabled and pair.origin == "file":  # as if nobody had touched it
                db.execute("DELETE FROM approved WHERE id = ?", [pair.id])
            else:
                self._decide(db, pair, "on" if enabled else "off", pair.faq_id)
            pair_rows.changed(db)
        return self.find(id_)

    def remove(self, id_: str) -> Pair:
        """Delete a pair and wipe staff's text from the disk; the pair as it was. Raises NotFound.

        While a file has it, it stays away, also when the file is added again.
        """
        with self._database.write() as db:
            pair = self.find(id_)
            if pair.key and (pair.files or pair.state == "removed"):
                self._decide(db, pair, "removed", None)
            else:
                db.execute("DELETE FROM approved WHERE id = ?", [pair.id])
                db.execute("DELETE FROM approved_hits WHERE id = ?", [pair.id])
            if pair.faq_id is not None:
                pair_rows.drop(db, pair.faq_id)
            pair_rows.changed(db)
        self._database.checkpoint()
        return pair

    def settle(self, id_: str, choice: Literal["keep", "take"]) -> Pair:
        """Keep staff's answer although the file's has changed, or take the file's.

        Raises BadPair when the file says nothing new, NotFound.
        """
        pair = self.find(id_)
        if pair.news is None:
            raise BadPair(f"No file answers {pair.question!r} anew, so there is nothing to decide.")
        ready = self._ready(FaqPair(pair.question, pair.news, pair.phrasings))
        with self._database.write() as db:
            pair = self.find(id_)
            if choice == "take":
                self._edit(db, pair, ready)
                pair = self.find(id_)
            back = pair.state == "on" and pair.text == pair.in_file
            self._decide(db, pair, pair.state, None if back else pair.faq_id, self._base(db, pair))
            if back and pair.faq_id is not None:  # as if nobody had touched it
                pair_rows.drop(db, pair.faq_id)
                db.execute("DELETE FROM approved WHERE id = ?", [pair.id])
            pair_rows.changed(db)
        self._database.checkpoint()
        return self.find(id_)

    def load(self, pairs: Sequence[FaqPair], collection: str = "default") -> Imported:
        """Add pairs, or edit those that ask the same first question; all of them or none.

        A question may stand there twice with answers in two languages. Raises BadPair.
        """
        texts = [checked(pair.question, pair.answer, pair.phrasings) for pair in pairs]
        ready = [self._ready(text) for text in dict.fromkeys(texts)]
        added = changed = 0
        with self._database.write() as db:
            known = {_place(pair): pair for pair in self.pairs(collection)}
            for one in ready:
                pair = known.pop(_place(one), None)  # a second one is refused: it has an owner
                if pair is None:
                    self._add(db, one, collection)
                    added += 1
                elif pair.text != one.pair:
                    self._edit(db, pair, one)
                    changed += 1
        self._database.checkpoint()
        return Imported(added, changed, len(ready) - added - changed)

    def decisions(self) -> list[Decision]:
        """All that staff wrote and decided, for another home; counts stay here."""
        ways: defaultdict[int, list[str]] = defaultdict(list)
        for row in self._database.rows("SELECT faq_id, text FROM phrasings ORDER BY id"):
            ways[row["faq_id"]].append(row["text"])
        rows = self._database.rows(
            "SELECT a.*, f.question, f.answer FROM approved a LEFT JOIN faqs f ON f.id = a.faq_id "
            "ORDER BY a.collection, a.id"
        )
        found = []
        for row in rows:
            faq, question, answer = row.pop("faq_id"), row.pop("question"), row.pop("answer")
            others = tuple(way for way in ways[faq] if way != question)
            found.append(Decision(**row, text=FaqPair(question, answer, others) if faq else None))
        return found

    def take(self, decisions: Sequence[Decision]) -> int:
        """Store what staff of another home decided, in place of what was decided here.

        All of it or nothing; how many were new or other ones. A pair by hand replaces the one
        that asks the same in the same language; others stay. Raises BadPair.
        """
        before = {one.id: one for one in self.decisions()}
        own = {(p.collection, *_place(p)): p.id for p in self.pairs() if p.origin == "hand"}
        todo: list[tuple[Decision, Ready | None]] = []
        for one in decisions:
            text = one.text and checked(one.text.question, one.text.answer, one.text.phrasings)
            if text and not one.key and one.id not in before:
                place = one.collection, normal(text.question), _spoken(text).split("-")[0]
                one = replace(one, id=own.get(place, one.id))
            old = before.get(one.id)
            if old is None or replace(one, text=text, changed=old.changed) != old:
                todo.append((one, self._ready(text) if text else None))
        with self._database.write() as db:
            for one, ready in todo:
                _replace(db, one, ready)
            pair_rows.changed(db)
        self._database.checkpoint()
        return len(todo)

    def _ready(self, pair: FaqPair) -> Ready:
        ways = (pair.question, *pair.phrasings)
        return Ready(
            pair,
            _spoken(pair),
            self._embedder.name,
            self._embedder.passages([f"{pair.question}\n{pair.answer}"])[0],
            tuple(zip(ways, self._embedder.queries(ways), strict=True)),
        )

    def _add(self, db: Sqlite, ready: Ready, collection: str) -> str:
        _check_owner(db, ready, collection, None)
        id_ = secrets.token_hex(6)
        db.execute(
            "INSERT INTO approved VALUES (?, ?, '', ?, 'on', '', ?)",
            [id_, collection, pair_rows.insert(db, ready, collection), pair_rows.now()],
        )
        pair_rows.changed(db)
        return id_

    def _edit(self, db: Sqlite, pair: Pair, ready: Ready) -> None:
        _check_owner(db, ready, pair.collection, pair)
        old = pair.faq_id
        if old and (pair.question, pair.answer) == (ready.pair.question, ready.pair.answer):
            db.execute("DELETE FROM phrasings WHERE faq_id = ?", [old])
            pair_rows.insert_ways(db, old, ready)
            self._decide(db, pair, pair.state, old)
        else:
            new = pair_rows.insert(db, ready, pair.collection)
            state = "on" if pair.state == "removed" else pair.state
            self._decide(db, pair, state, new, None if old else self._base(db, pair))
            if old:
                pair_rows.drop(db, old)
        pair_rows.changed(db)

    def _base(self, db: Sqlite, pair: Pair) -> str:
        """What the files answer now, as a hash."""
        rows = db.query(
            "SELECT f.answer FROM phrasings p JOIN faqs f ON f.id = p.faq_id "
            "AND f.question = p.text JOIN chunks c ON c.id = f.chunk_id "
            "JOIN documents d ON d.id = c.document_id "
            "WHERE p.normal = ? AND d.collection = ? AND d.path <> ?",
            [pair.key, pair.collection, DOCUMENT],
        )
        return fingerprint([row["answer"] for row in rows])

    def _decide(
        self, db: Sqlite, pair: Pair, state: str, faq_id: int | None, base: str | None = None
    ) -> None:
        """Write the row of `approved`; base: None leaves the old one."""
        db.execute(
            "INSERT INTO approved VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, ''), ?7) "
            "ON CONFLICT (id) DO UPDATE SET faq_id = ?4, state = ?5, base = coalesce(?6, base), "
            "changed = ?7",
            [pair.id, pair.collection, pair.key, faq_id, state, base, pair_rows.now()],
        )


def _spoken(pair: FaqPair) -> str:
    """The language of the answer."""
    return language(pair.answer, language(pair.question))


def _replace(db: Sqlite, one: Decision, ready: Ready | None) -> None:
    """The decision and its text in place of the one of that id."""
    old = list(db.query("SELECT faq_id FROM approved WHERE id = ?", [one.id]))
    db.execute("DELETE FROM approved WHERE id = ?", [one.id])
    if old and old[0]["faq_id"] is not None:
        pair_rows.drop(db, old[0]["faq_id"])
    faq_id = pair_rows.insert(db, ready, one.collection) if ready else None
    db.execute(
        "INSERT INTO approved VALUES (?, ?, ?, ?, ?, ?, ?)",
        [one.id, one.collection, one.key, faq_id, one.state, one.base, one.changed],
    )


def _place(pair: Pair | Ready) -> tuple[str, str]:
    """Question and language of the answer, which together have one pair of a collection."""
    return normal(pair.question), pair.language.split("-")[0]


def _check_owner(db: Sqlite, ready: Ready, collection: str, pair: Pair | None) -> None:
    """Raise BadPair when a way to ask is another pair's, in the same language and collection."""
    mine = {normal(way) for way in (pair.question, *pair.phrasings)} if pair else set()
    for way, _ in ready.ways:
        if normal(way) in mine:
            continue
        for row in db.query(
            f"SELECT f.id, f.question, f.language, d.path, {WHY} AS why, "
            "(SELECT normal FROM phrasings WHERE faq_id = f.id AND text = f.question) AS key "
            "FROM phrasings p JOIN faqs f ON f.id = p.faq_id JOIN chunks c ON c.id = f.chunk_id "
            "JOIN documents d ON d.id = c.document_id WHERE p.normal = ? AND d.collection = ?",
            [normal(way), collection],
        ):
            own = pair is not None and (row["id"] == pair.faq_id or row["key"] == pair.key)
            same = row["language"].split("-")[0] == ready.language.split("-")[0]
            if same and not own and row["why"] not in ("edited", "removed"):
                raise BadPair(
                    f"{way!r} is already asked by the approved answer {row['question']!r} "
                    f"({row['path']}). Edit that one, or leave this phrasing out."
                )
