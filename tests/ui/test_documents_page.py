"""The desk's documents: list, upload, drafts, one document's life, collections, check."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import pytest

from knowledge.errors import NotFound
from knowledge.knowledge_base import KnowledgeBase
from tests.ui.conftest import Running
from tests.ui.desk import Desk

pytestmark = pytest.mark.slow
PAST, FUTURE = (str(date.today() + timedelta(days)) for days in (-7, 7))  # midnight may pass


@pytest.fixture
def base(running: Running) -> KnowledgeBase:
    return running.app.knowledge


@pytest.fixture
def desk(running: Running, base: KnowledgeBase) -> Iterator[Desk]:
    """Staff with the list open; what a test adds is removed after it."""
    before = {d.id for d in base.documents()}
    desk = Desk(running)
    desk.do("filter-text", "input")
    yield desk
    desk.http.close()
    for document in base.documents():
        if document.id not in before:
            base.remove(document.id)
    for collection in base.collections():
        base.review(collection.name, on=False)


def add(desk: Desk, collection: str = "default", draft: bool = False, **files: bytes) -> None:
    desk.set("collection", collection)
    desk.set("as-draft", draft)
    desk.upload(**files)
    desk.do("add")


def test_each_file_has_its_result_and_a_failed_one_is_tried_again(
    desk: Desk, base: KnowledgeBase
) -> None:
    add(desk, parking_md=b"# Parking\n\nParking is free.", broken_pdf=b"no PDF")
    assert "parking.md" in desk.text("results") and "added" in desk.text("results")
    assert "broken.pdf" in desk.text("results") and "failed" in desk.text("results")
    (version,) = base.history(base.find("parking.md").id)
    assert version.origin == "admin"
    assert desk.rows()["parking.md"][1:4] == ["default", "en", "published"]

    add(desk, hours_md=b"# Hours\n\nOpen from nine.")
    assert "broken.pdf" in desk.text("results"), "what failed stays visible"
    desk.do("retry")
    assert "broken.pdf" in desk.text("results") and "hours.md" not in desk.text("results")
    desk.do("leave")
    assert desk.text("results") == ""
    desk.do("retry")
    assert "No file of this page has failed" in desk.text("upload-said")
    desk.set("upload", None)
    desk.set("language", "zh-Hans")
    desk.do("add")
    assert "请先选择" in desk.text("upload-said")


def test_drafts_are_looked_at_before_they_are_published(desk: Desk, base: KnowledgeBase) -> None:
    table = b"# Codes\n\n| Code | Meaning |\n|---|---|\n| E9 | marmalade sensor |\n"
    add(desk, draft=True, codes_md=table, notes_md=b"# Notes\n\nMarmalade notes.")
    assert desk.visible("preview") and "draft" in desk.text("results")
    assert base.search("marmalade") == [] or "codes.md" not in {
        p.document for p in base.search("marmalade")
    }
    assert "E9" in desk.text("preview-chunks") and "1. table" in desk.text("preview-chunks")
    desk.set("preview-which", base.find("notes.md").id)
    desk.do("preview-which", "input")
    assert "Marmalade notes" in desk.text("preview-chunks")
    desk.do("preview-publish")
    assert "notes.md is published" in desk.text("upload-said")
    assert desk.rows()["notes.md"][3] == "published" and desk.rows()["codes.md"][3] == "draft"
    base.remove(base.find("codes.md").id)  # by somebody else
    desk.do("preview-publish-all")
    assert "not there any more" in desk.text("upload-said") and not desk.visible("preview")


def test_one_document_is_switched_dated_and_removed(desk: Desk, base: KnowledgeBase) -> None:
    add(desk, parking_md=b"# Parking\n\nParking is free.")
    desk.pick("parking.md", "default")
    assert "Parking is free." in desk.text("document-chunks") and not desk.visible("publish")
    desk.do("switch")
    assert base.find("parking.md").state == "disabled"
    assert desk.rows()["parking.md"][3] == "disabled" and desk.value("switch") == "Enable"
    desk.do("switch")
    assert base.find("parking.md").found

    for first, last in (("31.05.2026", ""), ("2026-02-30", ""), (FUTURE, PAST)):
        desk.set("valid-from", first)
        desk.set("valid-until", last)
        desk.do("save-dates")
        assert "no valid dates" in desk.text("document-said")
        assert desk.value("valid-from") == first, "what was typed stays"
    assert base.find("parking.md").valid_from == ""
    desk.set("valid-from", FUTURE)
    desk.set("valid-until", "")
    desk.do("save-dates")
    assert desk.rows()["parking.md"][3].startswith("from ")
    desk.set("valid-from", "")
    desk.set("valid-until", PAST)
    desk.do("save-dates")
    assert desk.rows()["parking.md"][3].startswith("expired")

    desk.do("remove")
    assert "Click again" in desk.value("remove") and base.find("parking.md")
    desk.do("remove")
    assert "parking.md was removed" in desk.text("removed") and not desk.visible("document")
    with pytest.raises(NotFound):
        base.find("parking.md")
    desk.set("language", "zh-Hant")
    desk.do("publish")
    assert "請先在清單中選擇" in desk.text("removed")


def test_a_version_before_is_read_and_counts_again(desk: Desk, base: KnowledgeBase) -> None:
    add(desk, parking_md=b"# Parking\n\nParking is free.")
    add(desk, parking_md=b"# Parking\n\nParking costs 3 euro.")
    add(desk, draft=True, parking_md=b"# Parking\n\nParking costs 4 euro.")
    assert desk.rows()["parking.md"][3] == "published, a draft waits"
    desk.pick("parking.md")
    assert "4 euro" in desk.text("document-chunks") and desk.visible("publish")
    assert "replaced by a file" in desk.text("history") and "admin" in desk.text("history")
    desk.set("version", 1)
    desk.do("version", "input")
    assert "is free" in desk.text("document-chunks")
    desk.do("roll-back")
    assert "as version 4" in desk.text("document-said")
    assert base.find("parking.md").version == 4
    assert [c.text for c in base.version(base.find("parking.md").id, 4)] == ["Parking is free."]
    desk.set("version", 4)
    desk.do("roll-back")
    assert "cannot be used" in desk.text("document-said")
    desk.set("language", "zh-Hans")
    desk.do("language", "input")
    assert "回退到版本 1" in desk.text("history")
    base.remove(base.find("parking.md").id)
    desk.do("switch")
    assert "已不存在" in desk.text("removed") and not desk.visible("document")


def test_long_documents_are_read_a_page_at_a_time(desk: Desk) -> None:
    text = "\n\n".join(f"## Part {n}\n\nMarker-{n} stands here." for n in range(1, 31))
    add(desk, long_md=f"# Long\n\n{text}".encode())
    desk.pick("long.md")
    assert "1 to 20 of 30" in desk.text("document-chunks")
    assert "Marker-21 " not in desk.text("document-chunks")
    desk.do("document-next")
    assert "Marker-30 " in desk.text("document-chunks")
    desk.do("document-next")
    assert "21 to 30 of 30" in desk.text("document-chunks")


def test_the_list_is_filtered(desk: Desk, base: KnowledgeBase) -> None:
    add(desk, "birds", seeds_md=b"# Seeds\n\nTwice a day.")
    add(desk, "birds", draft=True, cage_md=b"# Cage\n\nClean it.")
    desk.set("filter-collection", "birds")
    desk.do("filter-collection", "input")
    assert set(desk.rows()) == {"seeds.md", "cage.md"}
    desk.set("filter-state", "draft")
    desk.do("filter-state", "input")
    assert set(desk.rows()) == {"cage.md"}
    desk.set("filter-state", "")
    desk.set("filter-text", "SEED twice")
    desk.do("filter-text", "input")
    assert not desk.visible("documents")
    desk.set("filter-text", "SEED")
    desk.do("filter-text", "input")
    assert set(desk.rows()) == {"seeds.md"}


def test_review_export_and_import(desk: Desk, base: KnowledgeBase, running: Running) -> None:
    add(desk, "birds", seeds_md=b"# Seeds\n\nTwice a day.")
    desk.do("review")
    assert "Choose a collection" in desk.text("collections-said")
    desk.set("collections-name", "birds")
    desk.do("review")
    assert "birds is under review" in desk.text("collections-said")
    add(desk, "birds", cage_md=b"# Cage\n\nClean it.")
    assert base.find("cage.md", "birds").state == "draft"

    desk.do("collections-name", "input")
    assert 'href="/desk/export.zip?collection=birds"' in desk.value("export")
    packed = desk.http.get("/export.zip?collection=birds")
    assert "attachment" in packed.headers["content-disposition"]
    names = zipfile.ZipFile(io.BytesIO(packed.content)).namelist()
    assert {"documents/birds/seeds.md.md", "documents/birds/cage.md.md"} < set(names)
    assert not any("returns" in name for name in names)
    assert desk.http.get("/export.zip?collection=nothing").status_code == 404
    assert httpx.get(f"{running.url}/desk/export.zip").status_code == 401

    for name in ("seeds.md", "cage.md"):
        base.remove(base.find(name, "birds").id)
    desk.do("import")
    assert "Choose the zip file" in desk.text("import-results")
    desk.choose_file("import-file", "birds.zip", packed.content)
    desk.do("import")
    assert "Imported: 2 documents" in desk.text("import-results")
    assert base.find("cage.md", "birds").state == "draft"
    assert desk.rows()["seeds.md"][3] == "published"
    desk.choose_file("import-file", "other.zip", b"no zip")
    desk.set("language", "zh-Hans")
    desk.do("import")
    assert "other.zip 未能导入" in desk.text("import-results")
    assert "/tmp" not in desk.text("import-results")


def test_the_check_finds_what_is_broken_and_the_rebuild_repairs_it(
    desk: Desk, running: Running
) -> None:
    desk.do("check")
    assert "All is well" in desk.text("checked") and not desk.visible("rebuild")
    with running.app.database.write() as db:
        db.execute("DELETE FROM vectors WHERE chunk_id = (SELECT min(chunk_id) FROM vectors)")
    desk.do("check")
    assert "1 passages have no vector" in desk.text("checked") and desk.visible("rebuild")
    desk.do("rebuild")
    assert "Rebuilt" in desk.text("checked") and "All is well" in desk.text("checked")


def test_the_bench_shows_what_the_assistant_would_do(desk: Desk) -> None:
    desk.do("search")
    assert "Type a question" in desk.text("found")
    desk.set("query", "Can I return opened tea?")
    desk.do("search")
    assert "would give the approved answer" in desk.text("found")
    assert "faq.csv" in desk.text("found") and "<mark>" in desk.value("found")
    assert "Floor" in desk.text("found")
    desk.set("query", "Do you repair bicycles <b>here</b>?")
    desk.do("search")
    assert "would not answer" in desk.text("found") and "<b>here" not in desk.value("found")
    desk.set("language", "zh-Hans")
    desk.do("language", "input")
    assert "助手不会依据文档作答" in desk.text("found")
