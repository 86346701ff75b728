"""Words of one meaning: kept per collection, merged, taken apart, and found by search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.errors import KnowledgeError, NotFound
from knowledge.glossary import Glossary, phrase
from knowledge.knowledge_base import KnowledgeBase


@pytest.fixture
def glossary(home: Path) -> Iterator[Glossary]:
    database = Database(home / "zhike.db")
    yield Glossary(database)
    database.close()


def test_both_directions_and_both_languages(glossary: Glossary) -> None:
    glossary.add(["gaiwan", "盖碗", "lidded bowl"])
    assert glossary.synonyms("Which Gaiwans do you sell?", "default") == ["盖碗", "lidded bowl"]
    assert glossary.synonyms("白瓷蓋碗多少錢", None) == ["gaiwan", "lidded bowl"]
    assert glossary.synonyms("is the lidded bowl here, the gaiwan?", None) == ["盖碗"]
    assert glossary.synonyms("a bowl", None) == []
    assert glossary.synonyms("the bowl is lidded", None) == []
    assert glossary.synonyms("", None) == []


def test_collections_are_apart(glossary: Glossary) -> None:
    glossary.add(["case", "box"], "shop")
    glossary.add(["case", "lawsuit"], "law")
    assert glossary.synonyms("my case", "shop") == ["box"]
    assert glossary.synonyms("my case", "law") == ["lawsuit"]
    assert glossary.synonyms("my case", "default") == []
    assert set(glossary.synonyms("my case", None)) == {"box", "lawsuit"}
    assert [e.terms for e in glossary.entries("law")] == [("case", "lawsuit")]
    assert {e.collection for e in glossary.entries()} == {"law", "shop"}


def test_entries_that_share_a_term_become_one(glossary: Glossary) -> None:
    glossary.add(["parcel", "package"])
    glossary.add(["包裹", "快件"])
    merged = glossary.add(["Package", "包裹"])
    assert merged.terms == ("parcel", "package", "包裹", "快件")
    assert glossary.entries() == [merged]


def test_removing(glossary: Glossary) -> None:
    glossary.add(["parcel", "package", "包裹"])
    glossary.remove("Parcels")  # the same word to a search
    assert glossary.entries()[0].terms == ("package", "包裹")
    glossary.remove("包裹")
    assert glossary.entries() == []
    with pytest.raises(NotFound, match="no term 'parcel'"):
        glossary.remove("parcel")


@pytest.mark.parametrize(
    "terms",
    [
        ["tea"],
        ["tea", "Teas"],
        ["tea", "!?"],
        ["tea", ""],
        ["tea", "x" * 61],
        list("abcdefghijklmnopqrstu"),
    ],
)
def test_what_is_no_entry_is_refused(glossary: Glossary, terms: list[str]) -> None:
    with pytest.raises(KnowledgeError, match="glossary"):
        glossary.add(terms)
    assert glossary.entries() == []


@pytest.mark.parametrize(
    ("term", "expression"),
    [
        ("lidded bowls", '"lid bowl"'),
        ("盖碗", '"盖碗"'),
        ("紫砂壶", '"紫砂 砂壶"'),
        ("壶", '"壶"'),
        ("K1 水壶", '("k1" AND "水壶")'),
        ('a"b OR c', '"a b or c"'),
    ],
)
def test_a_term_as_a_query(term: str, expression: str) -> None:
    assert phrase(term) == expression


def test_a_search_finds_what_the_glossary_says(base: KnowledgeBase, tmp_path: Path) -> None:
    for name, text in {
        "a": "The zisha pot holds 200 ml.",
        "b": "紫砂壶的容量是两百毫升。",
        "c": "The K1 kettle holds one litre.",
    }.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    list(base.add(sorted(tmp_path.glob("*.txt"))))

    def by_words(query: str) -> dict[str, float]:
        return {p.document: p.keyword for p in base.search(query) if p.keyword}

    assert by_words("unbaked clay teapot") == {}
    base.glossary.add(["clay teapot", "zisha pot", "紫砂壶"])
    assert set(by_words("unbaked clay teapot")) == {"a.txt", "b.txt"}
    assert set(by_words("紫砂壶")) == {"a.txt", "b.txt"}
    base.glossary.remove("zisha pot")
    assert set(by_words("unbaked clay teapot")) == {"b.txt"}
