"""Every kind of damage is named, with what repairs it; and that repairs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.integrity import problems
from knowledge.knowledge_base import KnowledgeBase

from .hashing import HashingEmbedder


@pytest.fixture
def database(home: Path, folder: Path) -> Iterator[Database]:
    """A home with documents, a version and a draft."""
    database = Database(home / "zhike.db")
    base = KnowledgeBase(database, home / "index", HashingEmbedder())
    (folder / "faq.csv").write_text("q,a\nIs it free?,Yes it is.\n", encoding="utf-8")
    list(base.add([folder]))
    (folder / "kettle.md").write_text("# K1 kettle\n\nChanged.\n", encoding="utf-8")
    list(base.add([folder / "kettle.md"]))
    base.enable(base.find("returns.md").id, enabled=False)
    yield database
    database.close()


def found(database: Database, home: Path) -> list[str]:
    return list(problems(database, home / "index"))


def test_a_whole_home_has_no_problem(database: Database, home: Path) -> None:
    assert found(database, home) == []


OF = "SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.path = "
SHIPPING, RETURNS = OF + "'zh/shipping.md'", OF + "'returns.md'"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            f"DELETE FROM vectors WHERE chunk_id IN ({SHIPPING})",
            "2 passages have no vector",
        ),
        (
            f"DELETE FROM keywords WHERE rowid IN ({SHIPPING})",
            "2 passages that should be found have no keywords",
        ),
        (
            f"INSERT INTO keywords(rowid, terms) SELECT id, 'x' FROM ({RETURNS})",
            "2 passages have keywords though they must not be found",
        ),
    ],
)
def test_what_rebuild_repairs(database: Database, home: Path, damage: str, words: str) -> None:
    base = KnowledgeBase(database, home / "index", HashingEmbedder())
    before = base.search("发货 运费 opened tea")
    database.here.execute(damage)
    assert [words in p and "rebuild` repairs it" in p for p in found(database, home)] == [True]
    base.rebuild()
    assert found(database, home) == []
    assert base.search("发货 运费 opened tea") == before


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_the_index_file(database: Database, home: Path, damage: str) -> None:
    (path,) = (home / "index").iterdir()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    (problem,) = found(database, home)
    assert path.name in problem and "rebuild` repairs it" in problem
    KnowledgeBase(database, home / "index", HashingEmbedder()).rebuild()
    assert found(database, home) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM documents WHERE path = 'returns.md'", "2 rows of chunks belong to no row"),
        ("UPDATE versions SET content = '{'", "Version 1 of kettle.md cannot be restored"),
        ("UPDATE versions SET vectors = x'00'", "Version 1 of kettle.md cannot be restored"),
        ("UPDATE keywords_data SET block = x'00' WHERE id > 10", "The database is damaged"),
        ("DELETE FROM phrasings", "1 approved answers have no question"),
        ("DELETE FROM index_pointer", "points to the index is missing"),
    ],
)
def test_what_a_backup_repairs(database: Database, home: Path, damage: str, words: str) -> None:
    database.here.execute("PRAGMA foreign_keys = OFF")
    database.here.execute(damage)
    assert any(words in problem for problem in found(database, home))
