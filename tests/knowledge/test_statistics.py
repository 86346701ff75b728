"""Only what is found is counted: drafts, disabled and expired documents weigh on no score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.knowledge_base import KnowledgeBase
from knowledge.statistics import Centre, most
from knowledge.titles import Titles
from knowledge.types import Document

from .hashing import HashingEmbedder

Hide = Callable[[KnowledgeBase, Document], None]
QUERY = "how long does shipping take"


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    return _write(tmp_path / "shipping.md", "# Shipping\n\nShipping takes four days.\n")


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    return _write(tmp_path / "staff.md", "# Shipping secrets\n\nShipping takes long, say four.\n")


def _disable(base: KnowledgeBase, document: Document) -> None:
    base.enable(document.id, enabled=False)


def _expire(base: KnowledgeBase, document: Document) -> None:
    base.date(document.id, "", "2020-01-01")


@pytest.mark.parametrize("hide", [None, _disable, _expire], ids=["draft", "disabled", "expired"])
def test_what_is_hidden_is_neither_found_nor_counted(
    home: Path, shown: Path, hidden: Path, hide: Hide | None
) -> None:
    database, embedder = Database(home / "zhike.db"), HashingEmbedder()
    base = KnowledgeBase(database, home / "index", embedder)
    list(base.add([shown]))
    vector = embedder.queries([QUERY])
    centres = [Centre(database, table, embedder.name) for table in ("vectors", "titles")]
    alone = [centre.cosine(vector) for centre in centres]
    rarity = most(database, ["long"])
    list(base.add([hidden], draft=hide is None))
    if hide:
        assert {p.document for p in base.search(QUERY)} == {"shipping.md", "staff.md"}
        assert [centre.cosine(vector) for centre in centres] != alone
        hide(base, base.find("staff.md"))
    assert [c.passage.document for c in base.explain(QUERY)] == ["shipping.md"]
    assert [c.passage.document for c in base.explain(QUERY, collection="other")] == ["shipping.md"]
    assert [p.document for p in base.search(QUERY)] == ["shipping.md"]
    assert [centre.cosine(vector) for centre in centres] == alone
    if hide is not _expire:  # it keeps its keywords until it is disabled or removed
        assert most(database, ["long"]) == rarity
    base.close()
    database.close()


def test_a_new_title_is_embedded_anew(home: Path, shown: Path) -> None:
    database, embedder = Database(home / "zhike.db"), HashingEmbedder()
    base = KnowledgeBase(database, home / "index", embedder)
    list(base.add([shown]))
    document = base.find("shipping.md")
    titles = Titles(database, embedder)
    vector = embedder.passages(["Delivery"])
    before = titles.cosines(vector, [document.id])[document.id]
    _write(shown, "# Delivery\n\nShipping takes four days.\n")
    list(base.add([shown]))
    assert base.find("shipping.md").id == document.id
    assert titles.cosines(vector, [document.id])[document.id] == pytest.approx(1.0, abs=1e-5)
    base.rollback(document.id)
    assert titles.cosines(vector, [document.id])[document.id] == pytest.approx(before)
    base.close()
    database.close()
