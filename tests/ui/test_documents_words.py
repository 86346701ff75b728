"""States in words, what is told of a file, and uploads on their way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.types import Document, Ingested
from tests.knowledge.hashing import HashingEmbedder
from ui.pages.states import phase, state
from ui.pages.upload import _report
from ui.texts import texts
from ui.uploads import Ended, Reading, Upload, added


def document(**changed: object) -> Document:
    values: dict[str, object] = {
        **{"id": "1", "collection": "default", "path": "a.md", "title": "A", "language": "en"},
        **{"sha256": "", "size": 1, "chunks": 1, "faqs": 0, "added": "2026-01-01T00:00:00"},
    }
    return Document(**(values | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "kind", "english", "chinese"),
    [
        ({}, "found", "published", "已发布"),
        ({"valid_until": "2999-12-01"}, "found", "published until 1 Dec 2999",
         "已发布，有效至 2999年12月1日"),
        ({"found": False, "valid_from": "2999-12-01"}, "scheduled", "from 1 Dec 2999",
         "2999年12月1日起生效"),
        ({"found": False, "valid_until": "2020-02-09"}, "expired", "expired (9 Feb 2020)",
         "已过期（2020年2月9日）"),
        ({"found": False, "state": "draft"}, "draft", "draft", "草稿"),
        ({"found": False, "state": "disabled"}, "disabled", "disabled", "已停用"),
        ({"draft": 2}, "found", "published, a draft waits", "已发布，另有草稿待发布"),
    ],
)  # fmt: skip
def test_states_are_told_with_their_dates(
    changed: dict[str, object], kind: str, english: str, chinese: str
) -> None:
    one = document(**changed)
    assert phase(one) == kind
    assert (state(one, texts("en")), state(one, texts("zh-Hans"))) == (english, chinese)


@dataclass(frozen=True, slots=True)
class Counted:
    characters: int = 0
    empty_pages: int = 0


@dataclass(frozen=True, slots=True)
class Told(Ingested):
    bytes: int = 0
    counted: Counted = Counted()


def test_whatever_else_is_known_of_a_file_is_told() -> None:
    item = Told("a.pdf", "added", 3, 0.1, bytes=12_000, counted=Counted(900, 2))
    assert _report(item, texts("en")) == ("bytes: 12,000 · characters: 900 · pages without text: 2")
    assert _report(Ingested("a.md", "added", 3, 0.1), texts("en")) == ""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[KnowledgeBase]:
    database = Database(tmp_path / "home" / "zhike.db")
    settings = KnowledgeSettings(index="exact")
    yield KnowledgeBase(database, tmp_path / "home" / "index", HashingEmbedder(), settings)
    database.close()


def test_uploads_tell_how_far_they_are_and_what_became_of_them(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    paths = [tmp_path / str(n) / name for n, name in enumerate(("a.md", "a.pdf", "a.md"))]
    for path, text in zip(paths, ("# A\n\nOne.", "no PDF", "# A\n\nTwo."), strict=True):
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    uploads = [
        Upload(paths[0], "birds", False),
        Upload(paths[1], "birds", False),
        Upload(paths[2], "birds", True),
    ]
    events = list(added(base, uploads, "ann"))
    ended = [(e.upload, e.ingested.status) for e in events if isinstance(e, Ended)]
    assert ended == list(zip(uploads, ("added", "failed", "added"), strict=True))
    far = [e.done for e in events if isinstance(e, Reading) and e.upload == uploads[0]]
    assert far[0] == 0.0 and far[-1] == 1.0
    assert [path.exists() for path in paths] == [False, True, False]
    one = base.find("a.md", "birds")
    assert (one.version, one.draft) == (1, 2)
    assert {v.origin for v in base.history(one.id)} == {"ann"}
