"""The life of a document: states, dates, versions, review; found or not, in every search."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from knowledge import tables
from knowledge.database import Database
from knowledge.errors import NotFound, WrongDate
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.tables import migrations
from knowledge.types import Document
from knowledge.versions import KEPT

from .hashing import HashingEmbedder

QUESTION = "how much is the zebrafinch"


class Desk:
    """A knowledge base beside a second one over the same files, as in another process."""

    def __init__(self, home: Path, docs: Path) -> None:
        self.home, self.docs = home, docs
        self.embedder = HashingEmbedder()
        self.databases: list[Database] = []
        self.base, self.other = self.opened(), self.opened("exact")
        docs.mkdir()

    def opened(
        self, index: Literal["faiss", "exact"] = "faiss", embedder: HashingEmbedder | None = None
    ) -> KnowledgeBase:
        self.databases.append(Database(self.home / "zhike.db"))
        settings = KnowledgeSettings(index=index)
        embedder = embedder or self.embedder
        return KnowledgeBase(self.databases[-1], self.home / "index", embedder, settings)

    def add(self, name: str, text: str, collection: str = "default") -> Document:
        path = self.docs / name
        path.write_text(text, encoding="utf-8")
        ended = list(self.base.add([path], collection, origin="ann"))
        assert [i.error for i in ended] == [None]
        return self.base.find(name, collection)

    def rows(self, sql: str, *values: object) -> list[dict[str, object]]:
        return self.databases[0].rows(sql, *values)

    def found(self, document: str = "faq.csv") -> tuple[bool, ...]:
        """By vector, by keyword, as an approved answer; the same from both sides."""
        text = "zebrafinch"
        both: list[tuple[bool, ...]] = []
        for base in (self.base, self.other):
            ranked = base.ranked_documents(text, 10)
            faq = base.match_faq(QUESTION)
            passages = {p.document for p in base.search(text)}
            assert passages == {*ranked["fused"]}
            ways = [document in ranked[name] for name in ("vector", "keyword")]
            both.append((*ways, faq is not None))
        assert both[0] == both[1]
        return both[0]


@pytest.fixture
def desk(home: Path, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(home, tmp_path / "docs")
    yield made
    for database in made.databases:
        database.close()


FAQ = f"q,a\n{QUESTION},9 dollars\n"
EVERYWHERE, NOWHERE = (True, True, True), (False, False, False)


def test_a_disabled_document_is_found_nowhere_and_again_when_enabled(desk: Desk) -> None:
    document = desk.add("faq.csv", FAQ)
    assert desk.found() == EVERYWHERE
    desk.base.enable(document.id, enabled=False)
    assert desk.found() == NOWHERE
    now = desk.base.find("faq.csv")
    assert (now.state, now.found, now.chunks) == ("disabled", False, 1)
    desk.base.enable(document.id)
    assert desk.found() == EVERYWHERE
    assert desk.base.find("faq.csv") == document


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (None, None, True),
        (1, None, False),
        (None, -1, False),
        (0, 0, True),
        (-1, 1, True),
    ],
)
def test_dates(desk: Desk, first: int | None, last: int | None, found: bool) -> None:
    """`first` and `last` in days from today, counted when it is asked: midnight may pass."""
    document = desk.add("faq.csv", FAQ)
    today = date.today()
    bounds = ("" if days is None else str(today + timedelta(days)) for days in (first, last))
    desk.base.date(document.id, *bounds)
    assert desk.found() == (EVERYWHERE if found else NOWHERE)
    assert desk.base.find("faq.csv").found is found
    desk.base.date(document.id, "", "")
    assert desk.found() == EVERYWHERE


def test_a_document_begins_and_ends_while_the_program_runs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day changes with the time zone: from UTC-12 to UTC+14 it is always another one."""

    def move(zone: str) -> date:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        return date.today()

    document = desk.add("faq.csv", FAQ)
    try:
        west = move("Etc/GMT+12")
        desk.base.date(document.id, "", str(west))
        assert desk.found() == EVERYWHERE
        assert move("Etc/GMT-14") > west
        assert desk.found() == NOWHERE
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") != "Etc/GMT-14"


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("tomorrow", "", "is not a date"),
        ("2026-02-30", "", "'2026-02-30' is not a date"),
        ("", "20260101", "is not a date"),
        ("2026-05-02", "2026-05-01", "before"),
    ],
)
def test_wrong_dates_change_nothing(desk: Desk, first: str, last: str, words: str) -> None:
    document = desk.add("a.txt", "zebrafinch")
    with pytest.raises(WrongDate, match=words):
        desk.base.date(document.id, first, last)
    assert desk.base.find("a.txt") == document


def test_what_is_hidden_does_not_weigh_on_the_ranks_of_what_is_found(desk: Desk) -> None:
    desk.add("a.txt", "A zebrafinch costs 9 dollars and eats seeds.")
    desk.add("b.txt", "Seeds cost 3 dollars.")
    before = [(p.id, p.score, p.cosine, p.keyword) for p in desk.base.search("zebrafinch seeds")]
    desk.base.review("default", on=True)
    for number in range(5):
        desk.add(f"poison{number}.txt", f"zebrafinch seeds zebrafinch {number} are free")
    assert [d.state for d in desk.base.documents()].count("draft") == 5

    def now() -> list[tuple[int, float, float, float]]:
        return [(p.id, p.score, p.cosine, p.keyword) for p in desk.base.search("zebrafinch seeds")]

    assert now() == before
    for number in range(5):
        desk.base.publish(desk.base.find(f"poison{number}.txt").id)
    assert now() != before
    for number in range(5):
        desk.base.remove(f"poison{number}.txt")
    assert now() == before


def test_a_collection_that_asks_for_review(desk: Desk) -> None:
    desk.base.review("birds", on=True)
    desk.add("free.txt", "Canaries are not reviewed.")
    assert desk.base.find("free.txt").state == "published"
    first = desk.add("faq.csv", FAQ, "birds")
    assert (first.state, desk.found()) == ("draft", NOWHERE)
    assert [(c.name, c.documents, c.review) for c in desk.base.collections()] == [
        ("birds", 1, True),
        ("default", 1, False),
    ]
    desk.base.enable(first.id, enabled=False)
    desk.base.enable(first.id)
    assert desk.found() == NOWHERE  # enabling is no review
    desk.base.publish(first.id)
    assert desk.found() == EVERYWHERE


def test_under_review_the_version_before_goes_on_until_the_draft_is_published(desk: Desk) -> None:
    document = desk.add("a.txt", "A zebrafinch costs 9 dollars.")
    desk.base.review("default", on=True)
    held = desk.add("a.txt", "A zebrafinch costs 0 dollars.")
    assert (held.state, held.version, held.draft) == ("published", 1, 2)
    assert [i.status for i in desk.base.add([desk.docs / "a.txt"])] == ["unchanged"]
    assert "9 dollars" in desk.base.search("zebrafinch")[0].text
    with pytest.raises(NotFound, match="no version 2"):
        desk.base.rollback(document.id, 2)  # no way around the review
    desk.add("a.txt", "A zebrafinch costs 8 dollars.")
    assert [(v.number, v.state) for v in desk.base.history(document.id)] == [
        (3, "draft"),
        (1, "current"),
    ]
    desk.base.publish(document.id)
    assert [p.text for p in desk.other.search("zebrafinch")] == ["A zebrafinch costs 8 dollars."]
    history = [(v.number, v.state, v.change) for v in desk.base.history(document.id)]
    assert history == [(3, "current", "replaced"), (1, "previous", "added")]


GUIDE = "# Birds\n\n## Food\n\nSeeds, twice a day.\n\n## Price\n\nIt costs {} dollars.\n"


def test_unchanged_chunks_keep_their_ids_and_are_not_embedded_again(desk: Desk) -> None:
    document = desk.add("a.md", GUIDE.format(9))
    food, price = desk.base.chunks(document.id)
    desk.embedder.embedded.clear()
    again = desk.add("a.md", "# Birds\n\n## New\n\nHello.\n" + GUIDE.format(8)[7:])
    assert again.id == document.id
    chunks = desk.base.chunks(document.id)
    assert [c.heading for c in chunks] == ["New", "Food", "Price"]
    assert chunks[1] == food  # though it moved
    assert price.id not in {c.id for c in chunks}
    assert sorted(text.split("\n")[-1] for text in desk.embedder.embedded) == [
        "Hello.",
        "It costs 8 dollars.",
    ]
    assert desk.base.passage(price.id) is None


def test_another_title_means_other_vectors(desk: Desk) -> None:
    document = desk.add("a.md", GUIDE.format(9))
    before = desk.base.chunks(document.id)
    desk.add("a.md", GUIDE.format(9).replace("# Birds", "# Zebrafinches"))
    after = desk.base.chunks(document.id)
    assert [c.text for c in after] == [c.text for c in before]
    assert not {c.id for c in after} & {c.id for c in before}
    assert desk.found("a.md") == (True, True, False)


def test_equal_chunks_of_one_document_stay_apart(desk: Desk) -> None:
    twice = "# T\n\n## A\n\nSame.\n\n## B\n\nx\n\n## A\n\nSame.\n"
    document = desk.add("a.md", twice)
    ids = [c.id for c in desk.base.chunks(document.id)]
    desk.add("a.md", twice + "\n## B\n\ny\n\n## A\n\nSame.\n")
    assert [c.id for c in desk.base.chunks(document.id)][:3] == ids
    desk.base.rollback(document.id)
    assert [c.id for c in desk.base.chunks(document.id)] == ids


def test_rollback_restores_texts_ids_vectors_and_approved_answers(desk: Desk) -> None:
    desk.add("seeds.txt", "Seeds cost 3 dollars.")
    document = desk.add("faq.csv", f"q,a,phrasing 1\n{QUESTION},9 dollars,price of a zebrafinch\n")
    before = desk.base.search("zebrafinch seeds")
    vectors = desk.base.vectors([p.id for p in before])
    desk.add("faq.csv", "q,a\nwhere do canaries live,On islands.\n")
    assert desk.found() == (True, False, False)
    desk.embedder.embedded.clear()
    assert desk.base.rollback(document.id, origin="bob") == 1
    assert desk.embedder.embedded == []
    assert desk.base.search("zebrafinch seeds") == before
    assert np.array_equal(desk.base.vectors([p.id for p in before]), vectors)
    match = desk.other.match_faq("price of a zebrafinch")
    assert match is not None
    assert match.answer == "9 dollars"
    assert desk.found() == EVERYWHERE
    history = [(v.number, v.state, v.change, v.origin) for v in desk.base.history(document.id)]
    assert history == [
        (3, "current", "rolled back to 1", "bob"),
        (2, "previous", "replaced", "ann"),
        (1, "previous", "added", "ann"),
    ]


def test_a_version_of_another_embedder_is_embedded_when_it_comes_back(desk: Desk) -> None:
    desk.add("faq.csv", FAQ)
    document = desk.add("faq.csv", "q,a\nwhere do canaries live,On islands.\n")
    base = desk.opened(embedder=HashingEmbedder("another"))
    base.rollback(document.id)
    stored = {
        r["embedder"]
        for r in desk.rows("SELECT embedder FROM vectors UNION ALL SELECT embedder FROM phrasings")
    }
    assert stored == {"another"}
    assert base.match_faq(QUESTION) is not None
    assert base.search(QUESTION)[0].cosine > 0.6


def test_no_more_than_five_versions_are_kept(desk: Desk) -> None:
    for number in range(KEPT + 3):
        document = desk.add("a.txt", f"It costs price{number}zebra dollars.")
    kept = [v.number for v in desk.base.history(document.id)]
    assert kept == list(range(KEPT + 3, 2, -1))
    for path in desk.home.rglob("*"):
        assert not path.is_file() or b"price1zebra" not in path.read_bytes(), path
    for number, words in ((2, "Kept are 7, 6, 5, 4, 3"), (8, "is the current one")):
        with pytest.raises(NotFound, match=words):
            desk.base.rollback(document.id, number)


def test_a_document_without_versions_has_none_to_go_back_to(desk: Desk) -> None:
    document = desk.add("a.txt", "zebrafinch")
    with pytest.raises(NotFound, match=r"no version before the current one.*None is kept"):
        desk.base.rollback(document.id)
    for act in (desk.base.publish, desk.base.enable, desk.base.rollback):
        with pytest.raises(NotFound, match="no document 'gone'"):
            act("gone")


def test_removing_wipes_all_versions_and_the_draft_from_the_disk(desk: Desk) -> None:
    words = [f"Zebra{number}finch" for number in range(4)]
    for word in words[:3]:
        (desk.docs / "faq.csv").write_text(f"q,a\nwhat is {word},Bird {word}.\n", "utf-8")
        document = desk.add("a.md", f"# {word}\n\n## {word}\n\nThe {word} sings.\n")
        list(desk.base.add([desk.docs / "faq.csv"]))
    desk.base.review("default", on=True)
    desk.add("a.md", f"# T\n\nThe {words[3]} sings.\n")
    assert len(desk.base.history(document.id)) == 4

    def on_disk() -> set[str]:
        return {
            word
            for path in desk.home.rglob("*")
            if path.is_file()
            for word in (*words, *map(str.lower, words))
            if word.encode() in path.read_bytes()
        }

    assert on_disk() == {*words, *map(str.lower, words[:3])}
    desk.base.remove("a.md")
    desk.base.remove("faq.csv")
    assert on_disk() == set()


def test_a_home_from_before_states_and_versions(home: Path, tmp_path: Path) -> None:
    """Its documents are published, and their next change makes version 2."""
    database = Database(home / "zhike.db")
    with database.write() as db:
        migrations.ensure_migrations_table(db)
        tables.m001_documents(db)
        migrations._record_applied(db, "m001_documents")
    embedder = HashingEmbedder()
    vector = embedder.passages(["Old.\nA zebrafinch costs 9 dollars."])[0].tobytes()
    for statement, *values in (
        (
            "INSERT INTO documents "
            "VALUES ('d1', 'default', 'a.txt', 'Old.', 'en', 'x', 9, 'then', '[]')",
        ),
        (
            "INSERT INTO chunks "
            "VALUES (7, 'd1', 0, 'A zebrafinch costs 9 dollars.', '', 'text', NULL, 'en')",
        ),
        ("INSERT INTO vectors VALUES (7, 'hashing', ?)", vector),
        ("INSERT INTO keywords(rowid, terms) VALUES (7, 'zebrafinch')",),
    ):
        database.here.execute(statement, values)
    base = KnowledgeBase(database, home / "index", embedder, KnowledgeSettings(index="exact"))
    (document,) = base.documents()
    assert (document.state, document.found, document.version) == ("published", True, 1)
    assert [p.id for p in base.search("zebrafinch")] == [7]
    (tmp_path / "a.txt").write_text("A zebrafinch costs 8 dollars.", "utf-8")
    list(base.add([tmp_path / "a.txt"]))
    assert base.rollback("d1") == 1
    assert [p.text for p in base.search("zebrafinch")] == ["A zebrafinch costs 9 dollars."]
    database.close()


def test_one_upload_can_ask_for_review_where_its_collection_does_not(desk: Desk) -> None:
    first = desk.add("free.txt", "Canaries are not reviewed.")
    path = desk.docs / "free.txt"
    path.write_text("Parrots are reviewed.")
    (held,) = desk.base.add([path], draft=True)
    assert held.draft
    document = desk.base.find(first.id)
    assert (document.state, document.version, document.draft) == ("published", 1, 2)
    assert [c.text for c in desk.base.version(first.id, 1)] == ["Canaries are not reviewed."]
    assert [c.text for c in desk.base.version(first.id, 2)] == ["Parrots are reviewed."]
    with pytest.raises(NotFound, match="no version 7"):
        desk.base.version(first.id, 7)
    desk.base.publish(first.id)
    assert [c.text for c in desk.base.version(first.id, 1)] == ["Canaries are not reviewed."]
