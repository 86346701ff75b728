"""Add, replace, remove, search and match approved answers, with the packaged embedder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge.embedder import PackagedE5
from knowledge.errors import NotFound
from knowledge.knowledge_base import KnowledgeBase

from .conftest import Open

FAQ = """question,answer,phrasing 1
How do I enable automatic renewal?,Turn it on under My orders.,how to switch on auto renewal
What does E1 on the K1 mean?,E1 is dry-boil protection.,
退货运费谁出？,个人原因退货由顾客承担 10 元。,退货邮费谁付
7 天内可以退货吗？,可以。,
Can I swap a K1 for a K2?,Within 15 days.,
上海寄到杭州多少钱？,10 元。,
Can I return opened tea?,Opened tea cannot be returned.,能退已开封的茶吗
"""


@pytest.fixture
def full(base: KnowledgeBase, folder: Path) -> KnowledgeBase:
    (folder / "faq.csv").write_text(FAQ, encoding="utf-8")
    assert {i.status for i in base.add([folder])} == {"added"}
    return base


def test_a_folder_is_named_by_relative_paths_and_hidden_files_are_skipped(
    base: KnowledgeBase, folder: Path
) -> None:
    (folder / ".secret.md").write_text("hidden", encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.md").write_text("hidden", encoding="utf-8")
    names = [i.document for i in base.add([folder, folder / "returns.md"], "shop")]
    assert names == ["kettle.md", "returns.md", "zh/shipping.md", "returns.md"]
    assert [d.path for d in base.documents("shop")] == ["kettle.md", "returns.md", "zh/shipping.md"]
    assert base.documents("default") == []
    titles = {d.path: (d.title, d.language) for d in base.documents()}
    assert titles["zh/shipping.md"] == ("配送说明", "zh-Hans")
    assert titles["returns.md"] == ("Returns", "en")


@pytest.mark.parametrize(
    ("query", "document", "words"),
    [
        ("运费多少", "zh/shipping.md", "10 元运费"),
        ("請問運費多少", "zh/shipping.md", "10 元运费"),
        ("can I give back opened tea", "returns.md", "Opened tea"),
        ("E2", "kettle.md", "temperature sensor"),
    ],
)
def test_search(base: KnowledgeBase, folder: Path, query: str, document: str, words: str) -> None:
    list(base.add([folder]))
    best = base.search(query)[0]
    assert best.document == document
    assert words in best.text


def test_search_across_languages(base: KnowledgeBase, folder: Path) -> None:
    list(base.add([folder / "returns.md", folder / "kettle.md"], "en"))
    list(base.add([folder / "zh"], "zh"))
    assert base.search("开封的茶叶能退吗", collection="en")[0].heading == "Opened tea"
    assert base.search("错误代码", collection="en")[0].document == "kettle.md"
    assert base.search("orders paid before 15:00 on Saturday", collection="zh")[0].heading == "发货"


def test_scores_of_every_passage(base: KnowledgeBase, folder: Path, embedder: PackagedE5) -> None:
    list(base.add([folder]))
    vector = embedder.queries(["opened tea"])
    found = base.search("opened tea", vector=vector)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert 0.0 <= found[-1].score < found[0].score <= 1.0
    stored = base.vectors([p.id for p in found])
    assert np.allclose([p.cosine for p in found], stored @ vector[0], atol=1e-5)
    assert found[0].keyword > 0
    assert {p.keyword for p in found if p.document == "zh/shipping.md"} == {0.0}
    assert len(base.search("opened tea", limit=2)) == 2
    assert base.search("   ") == []


def test_a_keyword_deep_below_in_meaning_is_found(base: KnowledgeBase, tmp_path: Path) -> None:
    lines = [f"Order number SL24031500{i:02} was delivered on day {i}." for i in range(90)]
    for i, line in enumerate(lines):
        (tmp_path / f"{i}.txt").write_text(line, encoding="utf-8")
    list(base.add(sorted(tmp_path.glob("*.txt"))))
    best = base.search("SL2403150077")[0]
    assert "SL2403150077" in best.text
    assert best.keyword > 0


def test_other_collections_are_not_searched(base: KnowledgeBase, folder: Path) -> None:
    list(base.add([folder], "a"))
    list(base.add([folder / "kettle.md"], "b"))
    assert {p.collection for p in base.search("opened tea", collection="b")} == {"b"}
    assert base.search("opened tea", collection="a")[0].document == "returns.md"
    assert base.search("opened tea", collection="none") == []


def test_unchanged_changed_and_removed(base: KnowledgeBase, folder: Path) -> None:
    list(base.add([folder]))
    before = {d.path: d.id for d in base.documents()}
    (folder / "returns.md").write_text("# Returns\n\nNinety-one days now.", encoding="utf-8")
    assert [i.status for i in base.add([folder])] == ["unchanged", "added", "unchanged"]
    after = {d.path: d.id for d in base.documents()}
    assert after["kettle.md"] == before["kettle.md"]
    assert after == before
    assert "Ninety-one" in base.search("how many days to return?")[0].text
    assert not any("30 days" in p.text for p in base.search("within 30 days of receipt"))
    base.remove("returns.md")
    assert {p.document for p in base.search("returns")} == {"kettle.md", "zh/shipping.md"}
    base.remove(after["kettle.md"])
    assert [d.path for d in base.documents()] == ["zh/shipping.md"]
    with pytest.raises(NotFound, match=r"returns\.md"):
        base.remove("returns.md")


def test_removed_text_is_gone_from_the_disk(base: KnowledgeBase, home: Path, folder: Path) -> None:
    marker = "Zebrafinch77"
    (folder / "secret.txt").write_text(f"The word is {marker} today.", encoding="utf-8")
    (folder / "faq.csv").write_text(f"q,a\nwhat is {marker}?,a word", encoding="utf-8")
    list(base.add([folder]))
    needles = [marker.encode(), marker.lower().encode()]
    assert any(needles[0] in path.read_bytes() for path in home.rglob("*") if path.is_file())
    base.remove("secret.txt")
    base.remove("faq.csv")
    for path in home.rglob("*"):
        if path.is_file():
            assert not any(needle in path.read_bytes() for needle in needles), path


def test_chunks_and_passage(base: KnowledgeBase, folder: Path) -> None:
    list(base.add([folder]))
    document = next(d for d in base.documents() if d.path == "returns.md")
    chunks = base.chunks(document.id)
    assert [c.heading for c in chunks] == ["Time", "Opened tea"]
    assert document.chunks == 2
    assert base.passage(chunks[0].id) == chunks[0]
    assert base.passage(1) is None


def test_missing_and_unsupported_are_reported_and_do_not_stop(
    base: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    (folder / "photo.png").write_bytes(b"\x89PNG....")
    (tmp_path / "empty").mkdir()
    found = list(base.add([tmp_path / "gone.md", tmp_path / "empty", folder]))
    failed = {i.document: i.error or "" for i in found if i.status == "failed"}
    assert "no such file" in failed["gone.md"]
    assert "no files" in failed["empty"]
    assert "Supported: csv, docx" in failed["photo.png"]
    assert sum(i.status == "added" for i in found) == 3


def test_a_link_out_of_the_folder_is_refused(
    base: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "private.txt").write_text("private words", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "private.txt")
    found = {i.document: i for i in base.add([folder])}
    assert "outside" in (found["link.txt"].error or "")


def test_progress_ends_at_one(base: KnowledgeBase, folder: Path) -> None:
    seen: list[tuple[str, float]] = []
    list(base.add([folder / "returns.md"], progress=lambda name, done: seen.append((name, done))))
    assert seen[0] == ("returns.md", 0.0)
    assert seen[-1] == ("returns.md", 1.0)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("退货运费谁出", "10 元"),
        ("請問退貨運費誰出?", "10 元"),
        ("退货 邮费 谁付！！", "10 元"),
        ("WHAT DOES e1 ON THE k1 MEAN", "dry-boil"),
        ("hi, how do i enable automatic renewal please", "Turn it on"),
        ("How can I enable the automatic renewal?", "Turn it on"),  # near: fillers differ
        ("Can I return tea that is opened?", "cannot be returned"),
    ],
)
def test_same_question(full: KnowledgeBase, question: str, answer: str) -> None:
    match = full.match_faq(question)
    assert match is not None
    assert answer in match.answer
    passage = full.passage(match.passage_id)
    assert passage is not None
    assert match.answer in passage.text


@pytest.mark.parametrize(
    "question",
    [
        "How do I disable automatic renewal?",
        "How do I not enable automatic renewal?",
        "What does E2 on the K1 mean?",
        "What does E1 on the K2 mean?",
        "退款运费谁出？",
        "Can I swap a K2 for a K1?",
        "杭州寄到上海多少钱？",
        "14 天内可以退货吗？",
        "7 天内不可以退货吗？",
        "Can I return tea?",
        "Can I return unopened tea?",
        "How do I enable automatic renewal and when does it end?",
        "",
        "？？？",
    ],
)
def test_another_question(full: KnowledgeBase, question: str) -> None:
    assert full.match_faq(question) is None


def test_an_exact_match_scores_one_and_prefers_the_customers_language(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(
        "问题,答案\nK1 E1?,The K1 protects itself\nK1 E1？,干烧保护，请冷却壶身\n", "utf-8"
    )
    list(base.add([path]))
    for language, words in (("en", "protects"), ("zh-Hans", "干烧"), ("zh-Hant", "干烧")):
        match = base.match_faq("k1 e1", language=language)
        assert match is not None
        assert (match.score, match.language) == (1.0, "en" if language == "en" else "zh-Hans")
        assert words in match.answer


def test_contradicting_answers_match_nothing(base: KnowledgeBase, tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text("q,a\nIs it free?,Yes it is\nis it free,No it is not\n", encoding="utf-8")
    list(base.add([path]))
    assert base.match_faq("Is it free?") is None


def test_faq_of_another_collection_and_of_a_removed_file(full: KnowledgeBase) -> None:
    assert full.match_faq("退货运费谁出", collection="other") is None
    full.remove("faq.csv")
    assert full.match_faq("退货运费谁出") is None


def test_status_and_rebuild(open_base: Open, folder: Path) -> None:
    base = open_base()
    list(base.add([folder]))
    status = base.status()
    assert (status.documents, status.state) == (3, "ready")
    assert status.file.startswith("index-1-")
    before = [p.id for p in base.search("opened tea")]
    assert base.rebuild() == status.chunks
    assert base.status().file.startswith("index-2-")
    assert [p.id for p in base.search("opened tea")] == before
    assert open_base().status().state == "ready"
