"""A knowledge base in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings

from .files import Write

Open = Callable[[], KnowledgeBase]


@pytest.fixture
def open_base(home: Path, embedder: PackagedE5) -> Iterator[Open]:
    """Opens the knowledge base of `home`, as often as a test restarts."""
    databases: list[Database] = []

    def open_() -> KnowledgeBase:
        databases.append(Database(home / "zhike.db"))
        return KnowledgeBase(databases[-1], home / "index", embedder, KnowledgeSettings())

    yield open_
    for database in databases:
        database.close()


@pytest.fixture
def base(open_base: Open) -> KnowledgeBase:
    return open_base()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small help centre: returns, shipping, kettle, in Chinese and English."""
    root = tmp_path / "docs"
    (root / "zh").mkdir(parents=True)
    (root / "returns.md").write_text(
        "# Returns\n\n## Time\n\nUnused goods can be returned within 30 days of receipt.\n\n"
        "## Opened tea\n\nOpened tea cannot be returned, unless it has a quality problem.\n",
        encoding="utf-8",
    )
    (root / "kettle.md").write_text(
        "# K1 kettle\n\n| Code | Meaning |\n|---|---|\n| E1 | dry boil |\n"
        "| E2 | temperature sensor fault |\n",
        encoding="utf-8",
    )
    (root / "zh" / "shipping.md").write_text(
        "# 配送说明\n\n## 运费\n\n普通快递满 99 元包邮，不满 99 元收取 10 元运费。\n\n"
        "## 发货\n\n周一至周六 15:00 前付款的订单当天发出。\n",
        encoding="utf-8",
    )
    return root


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_
