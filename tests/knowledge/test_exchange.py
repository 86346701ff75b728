"""Documents as readable files, into another home and back without loss."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import exchange, markdown_form
from knowledge.csv_cells import guarded, unguarded
from knowledge.database import Database
from knowledge.errors import KnowledgeError, UnreadableFile
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.types import Chunk

from .hashing import HashingEmbedder

FAQ = 'question,answer,phrasing 1\n"=what, is it?","+1\nline ""two""",how so\n运费多少？,10 元。,\n'
GUIDE = (
    "# Birds\n\n## Food\n\nSeeds, twice a day.\n\n- one\n- two\n\n"
    "| Code | Meaning |\n|---|---|\n| E1 | dry |\n\n```\n<!-- end -->\n```\n"
)


@pytest.fixture
def bases(tmp_path: Path) -> Iterator[tuple[KnowledgeBase, KnowledgeBase]]:
    """Two homes; the first has a document in each state."""
    databases = [Database(tmp_path / name / "zhike.db") for name in ("a", "b")]
    settings = KnowledgeSettings(index="exact")
    one, other = (
        KnowledgeBase(db, db.path.parent / "index", HashingEmbedder(), settings) for db in databases
    )
    docs = tmp_path / "docs"
    (docs / "zh").mkdir(parents=True)
    (docs / "guide.md").write_text(GUIDE, "utf-8")
    (docs / "zh" / "faq.csv").write_text(FAQ, "utf-8")
    (docs / "a?b.txt").write_text("Disabled seeds.", "utf-8")
    (docs / "a_b.txt").write_text("Dated seeds.", "utf-8")
    list(one.add([docs], "../odd/name"))
    one.review("careful", on=True)
    list(one.add([docs / "guide.md"], "careful"))
    one.enable(one.find("a?b.txt", "../odd/name").id, enabled=False)
    one.date(one.find("a_b.txt", "../odd/name").id, "2999-01-01", "")
    yield one, other
    for database in databases:
        database.close()


def described(base: KnowledgeBase) -> list[tuple[object, ...]]:
    """All that should be the same in another home."""
    return [
        (
            *(d.collection, d.path, d.title, d.language, d.sha256, d.size, d.faqs, d.warnings),
            *(d.state, d.found, d.valid_from, d.valid_until, d.report),
            [(c.heading, c.text, c.kind, c.page, c.language) for c in base.chunks(d.id)],
        )
        for d in base.documents()
    ]


def answered(base: KnowledgeBase) -> list[tuple[str, float, float]]:
    found = base.search("seeds twice 元 dry")
    return sorted((p.text, round(p.cosine, 6), round(p.keyword, 9)) for p in found)


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_into_another_home_and_back(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path, name: str
) -> None:
    one, other = bases
    assert one.export(tmp_path / name) == 5
    taken = list(other.take(tmp_path / name, "ann"))
    assert [i.status for i in taken] == ["added"] * 5
    assert described(other) == described(one)
    assert answered(other) == answered(one) != []
    assert [(c.name, c.review) for c in other.collections()] == [
        ("../odd/name", False),
        ("careful", True),
    ]
    for question, answer in (("=what, is it?", '+1\nline "two"'), ("how so", '+1\nline "two"')):
        match = other.match_faq(question)
        assert match is not None and match.answer == answer
    again = list(other.take(tmp_path / name))
    assert [i.status for i in again] == ["unchanged"] * 5
    assert described(other) == described(one)
    (version,) = other.history(other.find("guide.md", "careful").id)
    assert (version.change, version.origin) == ("imported", "ann")
    known = other.add([tmp_path / "docs"], "../odd/name")  # the same bytes are known again
    assert [i.status for i in known] == ["unchanged"] * 4


def decided(base: KnowledgeBase) -> list[tuple[Any, ...]]:
    return [
        (p.id, p.collection, p.text, p.origin, p.state, p.answers, p.news, p.in_file)
        for p in base.approved.pairs(removed=True)
    ]


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_what_staff_decided_goes_along(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path, name: str
) -> None:
    one, other = bases
    by_question = {p.question: p.id for p in one.approved.pairs()}
    one.approved.edit(by_question["=what, is it?"], answer="-2", phrasings=["=so"])
    one.approved.remove(by_question["运费多少？"])
    one.approved.enable(one.approved.add("Do you fly?", "No.").id, enabled=False)
    one.approved.add("Do you sing?", "Yes.", ["a song?"], "careful")
    replaced = other.approved.add("do you SING", "Never.", collection="careful")
    kept = other.approved.add("Do you dance?", "Yes.")
    assert one.export(tmp_path / name) == 5
    assert [i.status for i in other.take(tmp_path / name)] == ["added"] * 6
    own = [row for row in decided(one) if row[2].question != "Do you sing?"]
    assert [row for row in decided(other) if row[0] not in (kept.id, replaced.id)] == own
    for question, answer in (
        ("=so", "-2"),
        ("how so", None),
        ("运费多少", None),
        ("Do you fly", None),
        ("a song", "Yes."),
        ("do you dance", "Yes."),
    ):
        match = other.match_faq(question)
        assert (match.answer if match else None) == answer, question
    assert other.approved.find(replaced.id).text.phrasings == ("a song?",)
    before = decided(other), described(other)
    assert [i.status for i in other.take(tmp_path / name)] == ["unchanged"] * 6
    assert (decided(other), described(other)) == before


@pytest.mark.parametrize(
    "change",
    [
        {"state": "maybe"},
        {"id": "<b>"},
        {"key": "another"},
        {"text": None},
        {"text": {"question": "?", "answer": "Yes.", "phrasings": []}},
        {"text": {"question": "Why?", "answer": 7, "phrasings": []}},
    ],
)
def test_a_damaged_decision_changes_nothing(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path, change: dict[str, object]
) -> None:
    one, other = bases
    one.approved.add("Do you sing?", "Yes.")
    one.export(tmp_path / "out")
    path = tmp_path / "out" / exchange.MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    manifest["approved"][0].update(change)
    path.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(KnowledgeError):
        list(other.take(tmp_path / "out"))
    assert other.documents() == [] and other.approved.decisions() == []


def test_the_files_are_for_people_too(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path
) -> None:
    one, other = bases
    one.export(tmp_path / "out")
    names = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert names == {
        "manifest.json",
        "approved-answers.csv",
        "documents/careful/guide.md.md",
        "documents/_odd_name/guide.md.md",
        "documents/_odd_name/zh/faq.csv.md",
        "documents/_odd_name/a_b.txt.md",
        "documents/_odd_name/a_b.txt-2.md",
    }
    guide = next((tmp_path / "out").rglob("careful/guide.md.md"))
    text = guide.read_text("utf-8")
    assert 'title: "Birds"' in text and "## Food" in text and 'state: "draft"' in text
    rows = list(
        csv.reader((tmp_path / "out" / exchange.ANSWERS).open(encoding="utf-8-sig", newline=""))
    )
    assert rows[1][2:] == ["'=what, is it?", '\'+1\nline "two"', "how so"]
    guide.write_text(text.replace("twice a day", "three times a day"), "utf-8")
    list(other.take(tmp_path / "out"))
    chunks = other.chunks(other.find("guide.md", "careful").id)
    assert chunks[0].text.startswith("Seeds, three times a day.")  # an edit is taken over


def test_a_newer_text_here_is_kept_as_a_version(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path
) -> None:
    one, other = bases
    one.export(tmp_path / "out")
    (tmp_path / "guide.md").write_text("# Birds\n\nOther text.\n", "utf-8")
    list(other.add([tmp_path / "guide.md"], "careful"))
    list(other.take(tmp_path / "out"))
    document = other.find("guide.md", "careful")
    assert [v.number for v in other.history(document.id)] == [2, 1]
    assert document.state == "draft"
    other.rollback(document.id)
    assert other.chunks(document.id)[0].text == "Other text."


def test_what_is_there_is_not_overwritten(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "x.zip").write_bytes(b"mine")
    for target in (tmp_path / "full", tmp_path / "x.zip"):
        with pytest.raises(KnowledgeError, match="something already"):
            bases[0].export(target)
    with pytest.raises(KnowledgeError, match="cannot be written"):
        bases[0].export(tmp_path / "gone" / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == b"mine"
    (tmp_path / "empty").mkdir()
    bases[0].export(tmp_path / "empty")
    assert list(tmp_path.glob(".*")) == []


def _manifest(folder: Path, **change: object) -> None:
    path = folder / exchange.MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    manifest["documents"][0].update(change)
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file": "../secret.md"}, "outside of the export"),
        ({"file": "documents/gone.md"}, "cannot be read"),
        ({"title": 7}, "is not a text"),
        ({"size": "many"}, "not an export of zhike"),
        ({"valid_from": "soon"}, "is not a date"),
        ({"path": "other.csv"}, "names the document"),
        ({"path": "approved-answers"}, "not of a file"),
    ],
)
def test_a_damaged_export_changes_nothing(
    bases: tuple[KnowledgeBase, KnowledgeBase],
    tmp_path: Path,
    change: dict[str, object],
    words: str,
) -> None:
    one, other = bases
    one.remove("a?b.txt", "../odd/name")
    one.remove("a_b.txt", "../odd/name")
    one.remove("guide.md", "../odd/name")
    (tmp_path / "secret.md").write_text("secret", "utf-8")
    one.export(tmp_path / "out")
    _manifest(tmp_path / "out", **change)
    with pytest.raises(KnowledgeError, match=words):
        list(other.take(tmp_path / "out"))
    assert other.documents() == []


def test_other_files_are_no_exports(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path
) -> None:
    (tmp_path / "text.zip").write_text("no zip", "utf-8")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
        packed.writestr("a.txt", "x")
    for name, words in (
        ("text.zip", "damaged"),
        ("other.zip", r"manifest\.json is missing"),
        ("docs", r"manifest\.json cannot be read"),
        ("gone", "no such file"),
    ):
        with pytest.raises(UnreadableFile, match=words):
            list(bases[1].take(tmp_path / name))


LINES = st.sampled_from(["<!-- end -->", "\\<!-- end -->", "<!-- passage {} -->", "", "a", "---"])


@given(
    st.lists(
        st.builds(
            Chunk,
            st.lists(LINES | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)).map(
                "\n".join
            ),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.just("a --> b"),
            st.sampled_from(["text", "list", "table", "code"]),
            st.none() | st.integers(1, 9),
        ),
        max_size=4,
    )
)
def test_any_passages_come_back(chunks: list[Chunk]) -> None:
    text = markdown_form.written({"title": "<!-- end -->\n"}, chunks, "a note")
    assert list(markdown_form.passages(text, "x.md")) == chunks


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("<!-- end -->", "", "no end mark"),
        ('"text"', '"song"', "is damaged"),
        ('{"kind"', "{kind", "is damaged"),
    ],
)
def test_damaged_marks(before: str, after: str, words: str) -> None:
    text = markdown_form.written({}, [Chunk("a", "b")])
    with pytest.raises(UnreadableFile, match=words):
        markdown_form.passages(text.replace(before, after), "x.md")


@given(st.text("'=+-@＝ \t\r\n\0a", max_size=6))
def test_no_cell_is_a_formula(cell: str) -> None:
    safe = guarded(cell)
    assert unguarded(safe) == cell
    assert not safe.lstrip().startswith(("=", "+", "-", "@")) and safe[:1] not in ("\t", "\r", "\0")


def test_one_collection_is_exported_alone(
    bases: tuple[KnowledgeBase, KnowledgeBase], tmp_path: Path
) -> None:
    one, other = bases
    assert one.export(tmp_path / "careful.zip", "careful") == 1
    assert [i.document for i in other.take(tmp_path / "careful.zip")] == ["guide.md"]
    assert [(c.name, c.documents, c.review) for c in other.collections()] == [("careful", 1, True)]
