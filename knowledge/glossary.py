"""Words that mean the same in this business: whoever asks for one also finds the others.

Staff keep them per collection, in any mix of languages: gaiwan = 盖碗 = lidded bowl.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from knowledge.database import Database
from knowledge.errors import KnowledgeError, NotFound
from knowledge.keywords import TOKEN, fold, terms

MOST_TERMS = 20  # of one entry
LONGEST = 60  # characters of a term
migrations = Migrations("glossary")


@migrations()
def m001_glossary(db: Sqlite) -> None:
    """One row per term; the rows of one entry mean the same."""
    db.execute(
        """CREATE TABLE glossary (
            id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, collection TEXT NOT NULL,
            term TEXT NOT NULL, normal TEXT NOT NULL,
            UNIQUE (collection, normal)) STRICT"""
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """Terms that mean the same in one collection."""

    id: int
    collection: str
    terms: tuple[str, ...]


class Glossary:
    """The entries of all collections in SQLite; safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)

    def entries(self, collection: str | None = None) -> list[Entry]:
        """By collection, in the order they were made; None gives those of all collections."""
        rows = self._database.rows(
            "SELECT entry, collection, term FROM glossary WHERE ?1 IS NULL OR collection = ?1 "
            "ORDER BY collection, entry, id",
            collection,
        )
        found: dict[tuple[int, str], list[str]] = {}
        for row in rows:
            found.setdefault((row["entry"], row["collection"]), []).append(row["term"])
        return [Entry(id_, name, tuple(words)) for (id_, name), words in found.items()]

    def add(self, words: Sequence[str], collection: str = "default") -> Entry:
        """Say that these terms mean the same; entries that share one of them become one.

        Raises KnowledgeError for fewer than two different terms, or one that is not a term.
        """
        given = {" ".join(units(word)): " ".join(word.split()) for word in words}
        _check(given)
        with self._database.write() as db:
            marks = ",".join("?" * len(given))
            old = db.execute(
                f"SELECT DISTINCT entry FROM glossary WHERE collection = ? AND normal IN ({marks})",
                [collection, *given],
            ).fetchall()
            entry = min((row[0] for row in old), default=0)
            if not entry:
                entry = db.execute("SELECT coalesce(max(entry), 0) + 1 FROM glossary").fetchone()[0]
            for (other,) in old:
                db.execute("UPDATE glossary SET entry = ? WHERE entry = ?", [entry, other])
            for normal, term in given.items():
                db.execute(
                    "INSERT INTO glossary(entry, collection, term, normal) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (collection, normal) DO NOTHING",
                    [entry, collection, term, normal],
                )
        return next(e for e in self.entries(collection) if e.id == entry)

    def remove(self, term: str, collection: str = "default") -> None:
        """Take a term out of its entry; an entry with a single term left goes as well.

        Raises NotFound.
        """
        normal = " ".join(units(term))
        with self._database.write() as db:
            row = db.execute(
                "SELECT entry FROM glossary WHERE collection = ? AND normal = ?",
                [collection, normal],
            ).fetchone()
            if row is None:
                raise NotFound(
                    f"The glossary of the collection {collection!r} has no term {term!r}. "
                    "List it to see its terms."
                )
            db.execute(
                "DELETE FROM glossary WHERE collection = ? AND normal = ?", [collection, normal]
            )
            left = db.execute("SELECT count(*) FROM glossary WHERE entry = ?", [row[0]])
            if left.fetchone()[0] < 2:
                db.execute("DELETE FROM glossary WHERE entry = ?", [row[0]])

    def synonyms(self, question: str, collection: str | None) -> list[str]:
        """What else the terms of the question are called; [] for most questions."""
        asked = f" {' '.join(units(question))} "
        rows = self._database.rows(
            "SELECT entry, term, normal FROM glossary WHERE ?1 IS NULL OR collection = ?1 "
            "ORDER BY entry, id",
            collection,
        )
        named = {row["entry"] for row in rows if f" {row['normal']} " in asked}
        others = (
            row["term"]
            for row in rows
            if row["entry"] in named and f" {row['normal']} " not in asked
        )
        return list(dict.fromkeys(others))


def units(text: str) -> list[str]:
    """The smallest parts of a text, in order: Chinese characters, stemmed words, codes."""
    found: list[str] = []
    for match in TOKEN.finditer(fold(text)):
        found += match["cjk"] or terms(match["word"])
    return found


def phrase(term: str) -> str:
    """The FTS5 expression that finds a term: its words one after another, its Chinese beside."""
    parts: list[list[str]] = []
    chinese = True
    for match in TOKEN.finditer(fold(term)):
        run = match["cjk"]
        words = [w for w in terms(match[0]) if len(w) > 1] if run and len(run) > 1 else []
        if run or chinese:
            parts.append([])
        parts[-1] += words or terms(match[0])
        chinese = bool(run)
    quoted = [f'"{" ".join(words)}"' for words in parts]
    return quoted[0] if len(quoted) == 1 else f"({' AND '.join(quoted)})"


def _check(given: dict[str, str]) -> None:
    if "" in given or any(len(term) > LONGEST for term in given.values()):
        raise KnowledgeError(
            f"A term of the glossary has 1 to {LONGEST} characters, some of them letters or digits."
        )
    if len(given) < 2:
        raise KnowledgeError("An entry of the glossary needs two different terms or more.")
    if len(given) > MOST_TERMS:
        raise KnowledgeError(f"An entry of the glossary has {MOST_TERMS} terms at most.")
