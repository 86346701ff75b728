"""Texts of files kept to be edited: which, with which version, for how long, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import Changed, NotEditable, NotFound
from knowledge.knowledge_base import KnowledgeBase
from knowledge.load import LONGEST_SOURCE
from knowledge.sources import place

from .conftest import Open

TEXT = "# Parking\n\nParking is free.\n"


def add(base: KnowledgeBase, folder: Path, name: str, data: str | bytes) -> str:
    """The id of a document added from a file of this name."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    (result,) = base.add([path])
    assert result.error is None, result
    return base.find(name).id


def rows(base: KnowledgeBase) -> int:
    found = base._database.row("SELECT count(*) AS n FROM sources")
    assert found is not None
    return int(found["n"])


def test_an_edited_text_is_a_new_version_that_is_found(base: KnowledgeBase, tmp_path: Path) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT)
    source = base.source(id_)
    assert (source.text, source.number) == (TEXT, 1)
    result = base.edit(id_, TEXT.replace("free", "3 euro a day"), 1, "anna")
    assert (result.status, result.error) == ("added", None)
    newest, oldest = base.history(id_)
    assert (newest.number, newest.change, newest.origin) == (2, "edited", "anna")
    assert (oldest.number, oldest.state) == (1, "previous")
    assert "3 euro" in base.search("What does parking cost?")[0].text
    assert base.source(id_).text == "# Parking\n\nParking is 3 euro a day.\n"
    assert base.check() == []


def test_the_same_text_makes_no_version(base: KnowledgeBase, tmp_path: Path) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT.replace("\n", "\r\n"))
    assert base.source(id_).text == TEXT, "a box of a page has no other line ends"
    assert base.edit(id_, TEXT, 1).status == "unchanged"
    assert base.find(id_).version == 1


def test_what_somebody_else_changed_is_not_overwritten(base: KnowledgeBase, tmp_path: Path) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT)
    base.edit(id_, TEXT + "\nAt night too.\n", 1, "anna")
    with pytest.raises(Changed, match="version 1 was read, the latest is now 2"):
        base.edit(id_, TEXT + "\nNot at night.\n", 1, "ben")
    assert "At night too" in base.source(id_).text
    base.edit(id_, TEXT, 2, draft=True)
    with pytest.raises(Changed):  # a draft is a change too
        base.edit(id_, TEXT + "\nFor bicycles.\n", 2)
    base.publish(id_)
    base.rollback(id_, 1)
    with pytest.raises(Changed, match="version 3 was read, the latest is now 4"):
        base.edit(id_, TEXT + "\nFor bicycles.\n", 3)
    base.remove(id_)
    with pytest.raises(NotFound):
        base.edit(id_, TEXT, 4)
    assert rows(base) == 0


def test_drafts_wait_and_are_edited_as_drafts(base: KnowledgeBase, tmp_path: Path) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT)
    base.review("default", on=True)
    assert base.edit(id_, "# Parking\n\nParking costs 4 euro.\n", 1).draft
    base.review("default", on=False)
    assert base.source(id_).number == 2
    assert base.edit(id_, "# Parking\n\nParking costs 5 euro.\n", 2).draft, "it was a draft"
    assert [c.text for c in base.chunks(id_)] == ["Parking is free."]
    base.publish(id_)
    assert [c.text for c in base.chunks(id_)] == ["Parking costs 5 euro."]
    assert "5 euro" in base.source(id_).text
    assert rows(base) == 2, "of the current version and the one before; not of the first draft"


def test_a_rollback_brings_its_text_back(base: KnowledgeBase, tmp_path: Path) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT)
    for number in range(1, 8):
        base.edit(id_, f"{TEXT}\nNumber {number}.\n", number)
    assert rows(base) == 6, "five versions before the current one"
    base.rollback(id_, 4)
    assert "Number 3." in base.source(id_).text
    assert base.source(id_).number == 9


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_a_page_in_another_encoding_is_edited_as_it_reads(
    base: KnowledgeBase, tmp_path: Path, encoding: str
) -> None:
    named = f'<meta charset="{encoding}">' if encoding != "utf-16" else ""
    page = (
        f"<html><head>{named}<title>退貨</title></head><body><p>開封的茶葉不退。</p></body></html>"
    )
    id_ = add(base, tmp_path, "returns.html", page.encode(encoding))
    text = base.source(id_).text
    assert text == page
    base.edit(id_, text.replace("不退", "七天內可以退"), 1)
    assert [c.text for c in base.chunks(id_)] == ["開封的茶葉七天內可以退。"]


def test_what_cannot_be_edited_says_why(base: KnowledgeBase, tmp_path: Path) -> None:
    shop = Path(__file__).parents[2] / "samples" / "knowledge" / "en"
    for name, reason in (("faq.csv", "approved"), ("k1-manual.pdf", "kind")):
        id_ = add(base, tmp_path, name, (shop / name).read_bytes())
        with pytest.raises(NotEditable) as caught:
            base.source(id_)
        assert caught.value.reason == reason and name in str(caught.value)
    long = add(base, tmp_path, "long.txt", "A line of a very long text.\n" * (LONGEST_SOURCE // 20))
    with pytest.raises(NotEditable) as caught:
        base.edit(long, "short", 1)
    assert caught.value.reason == "long" and rows(base) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), (" \n\t", "empty"), ("x" * (LONGEST_SOURCE + 1), "longer")],
    ids=["nothing", "blank", "long"],
)
def test_a_text_that_cannot_be_saved(
    base: KnowledgeBase, tmp_path: Path, text: str, reason: str
) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT)
    with pytest.raises(NotEditable) as caught:
        base.edit(id_, text, 1)
    assert caught.value.reason == reason and base.find(id_).version == 1


def test_what_a_file_is_refused_for_an_edit_is_too(base: KnowledgeBase, tmp_path: Path) -> None:
    page = "<html><body><p>Parking is free.</p></body></html>"
    id_ = add(base, tmp_path, "parking.html", page)
    assert "its content is something else" in str(base.edit(id_, "no page", 1).error)
    surrogate = base.edit(id_, page.replace("free", "free \ud800"), 1)
    assert surrogate.error is None, "half a character, as a broken client may send"
    assert base.find(id_).version == 2


def test_a_file_from_before_is_completed_by_the_same_bytes(
    base: KnowledgeBase, open_base: Open, tmp_path: Path
) -> None:
    id_ = add(base, tmp_path, "parking.md", TEXT)
    with base._database.write() as db:
        db.execute("DELETE FROM sources")
    with pytest.raises(NotEditable, match="Upload the file once more"):
        base.source(id_)
    (result,) = base.add([tmp_path / "parking.md"])
    assert result.status == "unchanged" and base.source(id_).text == TEXT
    assert open_base().source(id_).text == TEXT


def test_a_removed_text_is_nowhere_on_the_disk(base: KnowledgeBase, tmp_path: Path) -> None:
    word = "<!-- marmoset-4711 -->"  # in the source alone: no chunk has it
    id_ = add(base, tmp_path, "parking.html", f"<html>{word}<body><p>Free.</p></body></html>")
    base.edit(id_, "<html><body><p>Free, always.</p></body></html>", 1)
    base.remove(id_)
    files = base._database.path.parent.glob("zhike.db*")
    assert not any(b"marmoset-4711" in file.read_bytes() for file in files)


@pytest.mark.parametrize(
    ("source", "passage", "found"),
    [
        (
            "# A\n\nOne.\n\nTwo **bold** words\nhere.",
            "Two bold words here.",
            "Two **bold** words\nhere",
        ),
        ("<p>Tea &amp; more</p><p>Opened <b>tea</b> is kept.</p>", "Opened tea is kept.", "Opened"),
        ("没有。\n开封的茶叶不退。", "开封的茶叶不退。", "开封的茶叶不退"),
        ("nothing of it", "Opened tea", ""),
        ("text", "", ""),
    ],
    ids=["marks", "tags", "chinese", "absent", "blank"],
)
def test_the_place_of_a_passage(source: str, passage: str, found: str) -> None:
    start, end = place(source, passage)
    assert source[start:end].startswith(found) and bool(found) == (end > start)
