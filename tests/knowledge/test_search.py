"""Both arms together: exact wishes, titles, what was said before, limits, and the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.titles import Titles
from knowledge.types import Vectors


def _write(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_code_outweighs_meaning(base: KnowledgeBase, tmp_path: Path) -> None:
    texts = {f"{i}.md": f"# Error E{i}\n\nThe kettle shows E{i}: see page {i}.\n" for i in range(9)}
    texts["help.md"] = "# Errors\n\nWhat to do when the kettle shows an error on its display.\n"
    list(base.add([_write(tmp_path / "docs", texts)]))
    assert base.search("what should I do, my kettle shows the error E7")[0].document == "7.md"
    assert base.search("壶上显示E4是什么故障")[0].document == "4.md"


def test_the_page_about_it_comes_first(base: KnowledgeBase, tmp_path: Path) -> None:
    """The same sentence on two pages: the title decides."""
    line = "Write to us within a week and send a picture."
    texts = {"a.md": f"# Careers\n\n{line}\n", "b.md": f"# 破损与退款\n\n{line}\n"}
    list(base.add([_write(tmp_path / "docs", texts)]))
    assert base.search("my cup arrived broken, can I get my money back")[0].document == "b.md"


def test_what_was_said_before_leans_in(base: KnowledgeBase, tmp_path: Path) -> None:
    texts = {
        "canada.md": "# Canada\n\nExpress to Canada takes four days.\n",
        "japan.md": "# Japan\n\nExpress to Japan takes two days.\n",
    }
    list(base.add([_write(tmp_path / "docs", texts)]))
    for country in ("Canada", "Japan"):
        before = ((f"How long does normal mail to {country} take? and express?", 0.4),)
        best = base.search("and express?", before=before)[0]
        assert best.document == f"{country.lower()}.md"
        ranked = base.ranked_documents("and express?", 10, before)
        assert all(documents[0] == best.document for documents in ranked.values())


def test_settings_limit_a_result(home: Path, folder: Path, embedder: PackagedE5) -> None:
    database = Database(home / "zhike.db")
    settings = KnowledgeSettings(per_document=1, budget_tokens=30, duplicates=0.9, cut=0.1)
    base = KnowledgeBase(database, home / "index", embedder, settings)
    list(base.add([folder], "a"))
    list(base.add([folder / "returns.md"], "b"))
    found = base.search("opened tea")
    assert len({p.document_id for p in found}) == len(found)
    assert [p.document for p in found].count("returns.md") == 1
    assert sum(embedder.count(p.text) for p in found) <= 30
    database.close()


def test_the_explanation_says_why(home: Path, folder: Path, embedder: PackagedE5) -> None:
    database = Database(home / "zhike.db")
    settings = KnowledgeSettings(per_document=1)
    base = KnowledgeBase(database, home / "index", embedder, settings)
    list(base.add([folder], "a"))
    list(base.add([folder / "kettle.md"], "b"))
    looked_at = base.explain("opened tea", collection="a")
    shown = [c for c in looked_at if c.cut is None]
    assert [c.passage for c in shown] == base.search("opened tea", collection="a")
    assert (shown[0].vector_rank, shown[0].keyword_rank) == (1, 1)
    assert 0 < shown[0].share <= 1
    reasons = {(c.passage.collection, c.passage.document): c.cut for c in looked_at if c.cut}
    assert reasons["a", "returns.md"] == "document"
    assert reasons["b", "kettle.md"] == "collection"
    scores = [c.passage.score for c in looked_at]
    assert scores == sorted(scores, reverse=True)
    assert [c.cut for c in base.explain("opened tea", limit=1)][:2] == [None, "limit"]
    assert base.explain(" ") == []
    database.close()


def test_titles_are_embedded_once_and_go_with_their_document(
    home: Path, folder: Path, embedder: PackagedE5
) -> None:
    computed: list[str] = []

    class Watched(PackagedE5):
        def passages(self, texts: Sequence[str]) -> Vectors:
            computed.extend(texts)
            return embedder.passages(texts)

    database = Database(home / "zhike.db")
    watched = Watched()
    base = KnowledgeBase(database, home / "index", watched, KnowledgeSettings())
    list(base.add([folder]))
    assert [text for text in computed if "\n" not in text] == ["K1 kettle", "Returns", "配送说明"]
    computed.clear()
    vector = embedder.queries(["how do I send it back"])
    ids = {d.path: d.id for d in base.documents()}
    cosines = Titles(database, watched).cosines(vector, list(ids.values()))
    assert max(cosines, key=lambda id_: cosines[id_]) == ids["returns.md"]
    assert computed == []
    with database.write() as db:  # as in a home of an earlier version
        db.execute("DELETE FROM titles")
    assert len(Titles(database, watched).cosines(vector, list(ids.values()))) == 3
    assert len(computed) == 3
    base.remove("returns.md")
    assert len(database.rows("SELECT * FROM titles")) == 2
    database.close()


@pytest.mark.parametrize("query", ['"', "' OR 1", "NEAR(a b)", "的", "\0", "*" * 500])
def test_any_text_can_be_searched(base: KnowledgeBase, folder: Path, query: str) -> None:
    list(base.add([folder]))
    base.glossary.add(["a", "b"])
    assert len(base.explain(query)) == len(base.search(query, limit=100))
