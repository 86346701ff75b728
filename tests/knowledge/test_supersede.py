"""A file in place of a document of another name, and files put into a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from knowledge.curation import DOCUMENT
from knowledge.errors import KnowledgeError, NotFound, OtherType, WrongFolder
from knowledge.ingest import LONGEST_FOLDER, folder_named
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings

TEXT = "# Parking\n\nParking is free.\n"


def put(base: KnowledgeBase, folder: Path, name: str, text: str | bytes, inside: str = "") -> str:
    """The id of a document made of a file of this name, in a folder of the collection."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    (result,) = base.add([folder / name], folder=inside)
    assert result.error is None, result
    return base.find(result.document).id


def test_a_file_is_the_next_version_of_a_document_in_a_folder(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    old = put(base, tmp_path, "parking.md", TEXT, "en/cars")
    put(base, tmp_path, "parking.md", "# Parking\n\nParken ist frei.\n", "de")
    new = tmp_path / "Parking 2027.MD"
    new.write_text("# Parking\n\nParking costs 3 euro.\n", "utf-8")
    result = base.supersede(old, new, origin="anna")
    assert (result.document, result.status, result.error) == ("en/cars/parking.md", "added", None)
    newest, oldest = base.history(old)
    assert (newest.number, newest.change, newest.origin) == (2, "replaced", "anna")
    assert (oldest.number, oldest.state) == (1, "previous")
    assert [c.text for c in base.chunks(old)] == ["Parking costs 3 euro."]
    assert "3 euro" in base.source(old).text
    assert [d.path for d in base.documents()] == ["de/parking.md", "en/cars/parking.md"]
    assert base.supersede(old, new).status == "unchanged"
    assert base.rollback(old) == 1 and [c.text for c in base.chunks(old)] == ["Parking is free."]
    assert base.check() == []


def test_a_draft_waits(base: KnowledgeBase, tmp_path: Path) -> None:
    old = put(base, tmp_path, "parking.md", TEXT, "en")
    (tmp_path / "next.md").write_text(TEXT.replace("free", "3 euro"), "utf-8")
    assert base.supersede(old, tmp_path / "next.md", draft=True).draft
    assert [c.text for c in base.chunks(old)] == ["Parking is free."]
    base.publish(old)
    assert [c.text for c in base.chunks(old)] == ["Parking is 3 euro."]


def test_the_files_of_an_archive_go_into_the_folder(base: KnowledgeBase, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "town.zip", "w") as archive:
        archive.writestr("cars/parking.md", TEXT)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "ferry.md").write_text("# Ferry\n\nAt nine.\n", "utf-8")
    paths = [tmp_path / "town.zip", tmp_path / "more"]
    assert [i.document for i in base.add(paths, folder=" /en/2027/ ")] == [
        "en/2027/town/cars/parking.md",
        "en/2027/ferry.md",
    ]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("new.txt", b"Parking costs 3 euro.", "keeps its type"),
        ("new.zip", b"PK\x03\x04", "keeps its type"),
        ("new", b"Parking costs 3 euro.", "keeps its type"),
        (".md", b"Parking costs 3 euro.", "keeps its type"),
    ],
)
def test_another_type_is_refused(
    base: KnowledgeBase, tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    old = put(base, tmp_path, "parking.md", TEXT, "en")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(OtherType, match=said) as told:
        base.supersede(old, tmp_path / name)
    assert "en/parking.md" in str(told.value) and "\n" not in str(told.value)
    assert base.find(old).version == 1


def test_a_bad_file_of_the_right_type_says_why(base: KnowledgeBase, tmp_path: Path) -> None:
    base._settings = KnowledgeSettings(max_file_mb=1)
    old = put(base, tmp_path, "parking.md", TEXT, "en")
    for data, said in (
        (b"", "the file is empty"),
        (b"%PDF-1.4\n", "it is a PDF"),
        (b"x" * ((1 << 20) + 1), "larger than 1 MB"),
    ):
        (tmp_path / "new.md").write_bytes(data)
        result = base.supersede(old, tmp_path / "new.md")
        assert result.status == "failed" and said in str(result.error), result
    missing = base.supersede(old, tmp_path / "none.md")
    assert missing.status == "failed" and "cannot be read" in str(missing.error)
    assert base.find(old).version == 1


def test_what_is_no_file_is_not_replaced(base: KnowledgeBase, tmp_path: Path) -> None:
    base.approved.add("Is parking free?", "Yes.")
    (tmp_path / "new").write_text("Is parking free?", "utf-8")
    with pytest.raises(KnowledgeError, match="one by one"):
        base.supersede(base.find(DOCUMENT).id, tmp_path / "new")
    with pytest.raises(NotFound):
        base.supersede("0" * 32, tmp_path / "new")


@pytest.mark.parametrize(
    "text",
    ["..", "en/../x", "en//x", ".git", "en/.x", "a\\b", "en/ x", "a\nb", "a\u202eb", "x" * 201],
)
def test_what_cannot_be_a_folder(base: KnowledgeBase, tmp_path: Path, text: str) -> None:
    (tmp_path / "parking.md").write_text(TEXT, "utf-8")
    with pytest.raises(WrongFolder, match="cannot be a folder"):
        list(base.add([tmp_path / "parking.md"], folder=text))
    assert base.documents() == []


def test_a_folder_is_named_in_any_script() -> None:
    assert folder_named("  /配送/2027 年/ ") == "配送/2027 年"
    assert folder_named("") == folder_named(" / ") == ""
    assert len(folder_named("x" * LONGEST_FOLDER)) == LONGEST_FOLDER
