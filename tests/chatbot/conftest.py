"""A small tea shop behind the real assistant, and passages made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.settings import ChatbotSettings
from chatbot.store import Store
from knowledge.database import Database
from knowledge.types import BlockKind, Passage

DOCUMENTS = {
    "returns.md": (
        "# Returns\n\n## Kettles\n\nAn unused kettle can be returned within 30 days of receipt. "
        "The customer pays the return postage of $6.\n\n## Opened tea\n\nOpened tea cannot be "
        "returned, unless it has a quality problem.\n"
    ),
    "kettle.md": (
        "# K1 kettle\n\n## Warranty\n\nThe K1 kettle has a warranty of 24 months.\n\n"
        "## Error codes\n\n| Code | Meaning | What to do |\n|---|---|---|\n"
        "| E1 | dry boil | add water and restart |\n"
        "| E2 | temperature sensor fault | send it in for repair |\n\n"
        "# K2 kettle\n\n## Warranty\n\nThe K2 kettle has a warranty of 36 months.\n"
    ),
    "zh/shipping.md": (
        "# 配送说明\n\n## 普通快递\n\n普通快递运费 10 元，满 99 元包邮，2 到 4 天送达。\n\n"
        "## 特快\n\n特快运费 22 元，江浙沪次日送达。\n\n## 海外\n\n目前不支持寄往海外。\n"
    ),
    "zh/invoice.md": "# 发票\n\n## 开票\n\n电子发票在确认收货后 24 小时内发送到邮箱。\n",
    "faq.csv": (
        "question,answer,phrasing 2\n"
        "Do you have a shop in Berlin?,Our Berlin shop is at Torstrasse 12.,"
        "where is your berlin store\n"
        "积分什么时候过期？,积分自获得之日起 12 个月后过期。,积分多久失效\n"
    ),
}


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app that quotes; every test opens sessions of its own."""
    root = tmp_path_factory.mktemp("shop")
    folder = root / "documents"
    for name, text in DOCUMENTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    app = build(root / "home", root / "no-models", chatbot=ChatbotSettings(generator="none"))
    for result in app.knowledge.add([folder]):
        assert result.error is None, result
    app.scorer.warm()
    app.assistant.intents.fit()
    yield app
    app.close()


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    opened = Database(home / "zhike.db")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def passage(
    text: str,
    id: int = 1,
    kind: BlockKind = "text",
    title: str = "Returns",
    language: str = "en",
) -> Passage:
    """A passage as a search returns it, with this text."""
    return Passage(
        id=id,
        document_id=f"document-{id}",
        collection="default",
        document=f"{id}.md",
        title=title,
        heading="",
        text=text,
        language=language,
        kind=kind,
    )
