"""Runs the command `zhike` on a home of the test's own, for the tests of the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knowledge.database import Database
from ui.cli import main

RETURNS = (
    "# Returns\n\n## Opened tea\n\nOpened tea cannot be returned, unless it has a quality "
    "problem.\n\n## Time\n\nUnused goods can be returned within 30 days of receipt.\n"
)
SHIPPING = "# 配送说明\n\n## 运费\n\n普通快递满 99 元包邮，不满 99 元收取 10 元运费。\n"
FAQ = "question,answer,phrasing\nCan I return opened tea?,Opened tea cannot be returned.,"
GOLDEN = [
    {
        "id": "a",
        "language": "en",
        "question": "Can I return opened tea?",
        "answerable": True,
        "documents": ["returns.md", "faq.csv"],
        "facts": [["cannot be returned"]],
    },
    {"id": "b", "language": "en", "question": "Do you sell bicycles?", "answerable": False},
]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "returns.md").write_text(RETURNS, encoding="utf-8")
    (folder / "shipping.md").write_text(SHIPPING, encoding="utf-8")
    (folder / "faq.csv").write_text(FAQ + "can opened tea go back", encoding="utf-8")
    return folder


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in GOLDEN), encoding="utf-8")
    return path


@pytest.fixture
def run(
    home: Path,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs the command as its entry point does, on a home of the test's own."""
    monkeypatch.setenv("ZHIKE_HOME", str(home))
    monkeypatch.setenv("ZHIKE_MODELS", str(models))
    monkeypatch.setenv("ZHIKE_SAMPLES", "off")
    monkeypatch.setenv("ZHIKE_CHATBOT_GENERATOR", "none")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["zhike", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        said = capsys.readouterr()
        return Done(status, said.out, said.err)

    return run


@pytest.fixture
def full(run: Run, documents: Path) -> Run:
    """The same, with the documents added."""
    assert run("knowledge", "add", documents).status == 0
    return run


def counts(home: Path) -> dict[str, int]:
    """Rows of our tables, without the empty ones."""
    with closing(Database(home / "zhike.db")) as database:
        names = [row["name"] for row in database.rows("SELECT name FROM sqlite_master")]
        tables = {"documents", "chunks", "vectors", "phrasings", "sessions", "messages", "runs"}
        numbers = {
            name: database.rows(f"SELECT count(*) AS n FROM {name}")[0]["n"]
            for name in tables & {*names}
        }
    return {name: number for name, number in numbers.items() if number}
