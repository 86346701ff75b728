"""The team's intents in SQLite: names, descriptions, routes and examples; staff edit them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, get_args

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.errors import IntentError, NotFound
from chatbot.intents.features import CONTROL, plain
from chatbot.phrases import has
from chatbot.types import Route
from knowledge.database import Database

ROUTES: tuple[Route, ...] = get_args(Route)
LONGEST_NAME = 60  # characters
LONGEST_EXAMPLE = 500
LONGEST_ANSWER = 2_000
MOST_EXAMPLES = 30_000  # of all intents; more take minutes to learn
JOINT = "|"  # between several intents of one text in a CSV file
migrations = Migrations("intents")


@migrations()
def m001_intents(db: Sqlite) -> None:
    """An example may belong to several intents; `revision` counts the changes."""
    db.table("intents").create(
        {"name": str, "description": str, "route": str, "answer": str},
        pk="name",
        not_null={"description", "route", "answer"},
        strict=True,
    )
    db.table("intent_examples").create(
        {"number": int, "key": int, "intent": str, "text": str},
        pk="number",
        not_null={"key", "intent", "text"},
        foreign_keys=[("intent", "intents", "name")],
        strict=True,
    )
    db.table("intent_examples").create_index(["intent", "text"], unique=True)
    db.table("intent_examples").create_index(["text"])
    db.table("intent_examples").create_index(["key"])
    db.execute(
        "CREATE TABLE intent_revision (number INTEGER NOT NULL, learned INTEGER NOT NULL) STRICT"
    )
    db.execute("INSERT INTO intent_revision VALUES (0, -1)")


@migrations()
def m002_packaged(db: Sqlite) -> None:
    """A fresh home begins with the packaged intents; once, so that removed ones stay away."""
    for definition in packaged():
        _write(db, definition)
        for text in definition.examples:
            _write_example(db, definition.name, text)


@dataclass(frozen=True, slots=True)
class Definition:
    """An intent as staff define it."""

    name: str
    description: str = ""
    route: Route = "answer"
    answer: str = ""  # approved: the question of that answer; smalltalk: what is said
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One text of one intent."""

    key: int  # of intent and text: the same again after it was removed and added
    intent: str
    text: str


class IntentStore:
    """Every change is one transaction and raises the revision; errors change nothing."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.migrate(migrations)

    def revision(self) -> int:
        """How often the intents were changed; a model of an older revision is stale."""
        row = self._db.row("SELECT number FROM intent_revision")
        return int(row["number"]) if row else 0

    def learned(self) -> int:
        """The revision that was learned last, whatever serves now; −1: none yet."""
        row = self._db.row("SELECT learned FROM intent_revision")
        return int(row["learned"]) if row else -1

    def mark_learned(self, revision: int) -> None:
        with self._db.write() as db:
            db.execute("UPDATE intent_revision SET learned = ?", [revision])

    def all(self) -> tuple[Definition, ...]:
        """By name, with their examples in the order in which they were added."""
        texts: dict[str, list[str]] = {}
        for example in self.examples():
            texts.setdefault(example.intent, []).append(example.text)
        rows = self._db.rows("SELECT name, description, route, answer FROM intents ORDER BY name")
        return tuple(Definition(**row, examples=tuple(texts.get(row["name"], ()))) for row in rows)

    def examples(self) -> tuple[Example, ...]:
        """Of all intents."""
        rows = self._db.rows("SELECT key, intent, text FROM intent_examples ORDER BY number")
        return tuple(Example(**row) for row in rows)

    def example(self, key: int) -> Example | None:
        row = self._db.row("SELECT key, intent, text FROM intent_examples WHERE key = ?", key)
        return Example(**row) if row else None

    def get(self, name: str) -> Definition:
        """Raises NotFound, which names the intents that exist."""
        row = self._db.row(
            "SELECT name, description, route, answer FROM intents WHERE name = ?", name
        )
        if row is None:
            known = ", ".join(r["name"] for r in self._db.rows("SELECT name FROM intents"))
            raise NotFound(f"There is no intent {name!r}. Known: {known or 'none yet'}.")
        return Definition(**row, examples=self.texts(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """The examples of an intent; none of one that is gone."""
        sql = "SELECT text FROM intent_examples WHERE intent = ? ORDER BY number"
        return tuple(row["text"] for row in self._db.rows(sql, name))

    def route(self, name: str) -> tuple[Route, str]:
        """(route, answer) of an intent; one that is gone answers from the documents."""
        row = self._db.row("SELECT route, answer FROM intents WHERE name = ?", name)
        return (row["route"], row["answer"]) if row else ("answer", "")

    def add(self, definition: Definition) -> None:
        """A new intent. Raises IntentError when the name is taken or something is not right."""
        definition = checked(definition)
        with self._db.write() as db:
            if self._db.row("SELECT name FROM intents WHERE name = ?", definition.name):
                raise IntentError(
                    f"There is an intent {definition.name!r} already. Edit it, or take another "
                    "name."
                )
            self._put(db, definition)

    def change(self, name: str, definition: Definition) -> None:
        """Replace an intent, its name and its examples included."""
        self.get(name)
        definition = checked(definition)
        with self._db.write() as db:
            renamed = definition.name != name
            if renamed and self._db.row("SELECT 1 FROM intents WHERE name = ?", definition.name):
                raise IntentError(
                    f"There is an intent {definition.name!r} already. Take another name."
                )
            self._delete(db, name)
            self._put(db, definition)

    def remove(self, name: str) -> None:
        """With its examples. Raises NotFound."""
        self.get(name)
        with self._db.write() as db:
            self._delete(db, name)
            _raise(db)

    def add_examples(self, name: str, added: Sequence[str], *, also: bool = False) -> int:
        """How many are new. `also`: a text may belong to another intent as well.

        Raises IntentError, which names the other intent, and then adds none.
        """
        self.get(name)
        fresh = [checked_example(text) for text in added]
        with self._db.write() as db:
            before = self._count()
            self._insert(db, name, fresh, also)
            _raise(db)
            return self._count() - before

    def remove_example(self, name: str, text: str) -> None:
        """Raises NotFound when the intent has no such example."""
        self.get(name)
        with self._db.write() as db:
            gone = db.execute(
                "DELETE FROM intent_examples WHERE intent = ? AND text = ?",
                [name, checked_example(text)],
            )
            if not gone.rowcount:
                raise NotFound(f"{name}: there is no example {text!r}. See `zhike intents show`.")
            _raise(db)

    def merge(self, definitions: Iterable[Definition], *, replace: bool = False) -> None:
        """Add what is missing and change what differs, all or nothing. A text may belong to
        several of them. `replace`: intents that are not among them go."""
        read = [checked(definition) for definition in definitions]
        with self._db.write() as db:
            if replace:
                db.execute("DELETE FROM intent_examples")
                db.execute("DELETE FROM intents")
            for definition in read:
                _write(db, definition)
                self._insert(db, definition.name, definition.examples, also=True)
            _raise(db)

    def _put(self, db: Sqlite, definition: Definition) -> None:
        _write(db, definition)
        self._insert(db, definition.name, definition.examples, also=False)
        _raise(db)

    def _delete(self, db: Sqlite, name: str) -> None:
        db.execute("DELETE FROM intent_examples WHERE intent = ?", [name])
        db.execute("DELETE FROM intents WHERE name = ?", [name])

    def _insert(self, db: Sqlite, name: str, added: Sequence[str], also: bool) -> None:
        for text in added:
            other = self._db.row(
                "SELECT intent FROM intent_examples WHERE text = ? AND intent != ?", text, name
            )
            if other and not also:
                raise IntentError(
                    f"The example {text!r} of {name!r} belongs to {other['intent']!r} already. "
                    "Remove it from one of the two."
                )
            _write_example(db, name, text)
        if self._count() > MOST_EXAMPLES:
            raise IntentError(
                f"There would be {self._count():,} examples; at most {MOST_EXAMPLES:,} are "
                "possible. A few dozen per intent are enough."
            )

    def _count(self) -> int:
        row = self._db.row("SELECT COUNT(*) AS n FROM intent_examples")
        return int(row["n"]) if row else 0


def checked(definition: Definition) -> Definition:
    """Trimmed. Raises IntentError in one sentence."""
    name = " ".join(CONTROL.sub(" ", definition.name).split())
    if not name or len(name) > LONGEST_NAME or JOINT in name or not plain(name):
        raise IntentError(
            f"An intent needs a name of 1 to {LONGEST_NAME} characters without {JOINT!r}, "
            f"not {definition.name[:80]!r}."
        )
    if definition.route not in ROUTES:
        raise IntentError(
            f"{name}: the route must be one of {', '.join(ROUTES)}, not {definition.route!r}."
        )
    answer = CONTROL.sub(" ", definition.answer).strip()
    description = " ".join(CONTROL.sub(" ", definition.description).split())
    if definition.route == "approved" and not answer:
        raise IntentError(f"{name}: the route approved needs the question of an approved answer.")
    if definition.route == "smalltalk" and not answer and not has(name):
        raise IntentError(f"{name}: the route smalltalk needs what is to be said.")
    if max(len(answer), len(description)) > LONGEST_ANSWER:
        raise IntentError(f"{name}: a text is longer than {LONGEST_ANSWER:,} characters.")
    examples = dict.fromkeys(checked_example(text) for text in definition.examples)
    return Definition(name, description, definition.route, answer, tuple(examples))


def checked_example(text: str) -> str:
    """Trimmed, on one line. Raises IntentError when it is empty or too long."""
    line = " ".join(CONTROL.sub(" ", text).split())
    if not plain(line):
        raise IntentError(f"An example needs a text, and {text[:40]!r} has none.")
    if len(line) > LONGEST_EXAMPLE:
        raise IntentError(
            f"An example has at most {LONGEST_EXAMPLE} characters; {line[:40]!r}… has "
            f"{len(line):,}."
        )
    return line


def packaged() -> tuple[Definition, ...]:
    """The intents of a fresh home, from data/intents.toml."""
    table = tomllib.loads((files("chatbot") / "data" / "intents.toml").read_text("utf-8"))
    return from_table(table, "intents.toml")


def from_table(table: dict[str, Any], where: str) -> tuple[Definition, ...]:
    """Read what to_toml() wrote. Raises IntentError that names the entry."""
    found = []
    for name, row in table.items():
        if not isinstance(row, dict):
            raise IntentError(f"{where}: {name!r} must be a table, such as [{name}].")
        texts = (row.get(key, "") for key in ("description", "route", "answer"))
        description, route, answer = texts
        examples = row.get("examples", [])
        values = [description, route, answer, *(examples if isinstance(examples, list) else [0])]
        if not all(isinstance(value, str) for value in values):
            raise IntentError(
                f"{where}: in [{name}] every value must be a text or a list of texts."
            )
        found.append(Definition(name, description, route or "answer", answer, tuple(examples)))
    return tuple(found)


def to_toml(definitions: Iterable[Definition]) -> str:
    """A JSON string is a TOML string too, apart from DEL, which no text here has."""
    lines = []
    for d in definitions:
        lines.append(f"[{json.dumps(d.name, ensure_ascii=False)}]")
        for key in ("description", "route", "answer"):
            lines.append(f"{key} = {json.dumps(getattr(d, key), ensure_ascii=False)}")
        lines.append("examples = [")
        lines += [f"  {json.dumps(text, ensure_ascii=False)}," for text in d.examples]
        lines.append("]\n")
    return "\n".join(lines)


def _write(db: Sqlite, definition: Definition) -> None:
    db.execute(
        "INSERT INTO intents (name, description, route, answer) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET description = excluded.description, "
        "route = excluded.route, answer = excluded.answer",
        [definition.name, definition.description, definition.route, definition.answer],
    )


def _write_example(db: Sqlite, name: str, text: str) -> None:
    db.execute(
        "INSERT OR IGNORE INTO intent_examples (key, intent, text) VALUES (?, ?, ?)",
        [key_of(name, text), name, text],
    )


def key_of(name: str, text: str) -> int:
    """63 bits of the hash of an example."""
    digest = hashlib.sha256(f"{name}\n{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _raise(db: Sqlite) -> None:
    db.execute("UPDATE intent_revision SET number = number + 1")
