"""A full disk, as the commands and the API meet it: done, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from knowledge import library
from tests.full_disk import fill, small_disk
from ui import web
from ui.problems import FULL

from .command import Done, Run, documents, run
from .conftest import made

__all__ = ["documents", "run"]  # fixtures

DISK = 32  # MB
ASKED = "How long can a kettle be returned?"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """On a small disk of its own."""
    monkeypatch.setattr(library, "LEAST_FREE", 0)  # else no document is tried on it
    with small_disk(tmp_path / "disk", DISK) as disk:
        (disk / "home").mkdir()
        yield disk / "home"


def refused(done: Done) -> bool:
    """One sentence that names the disk, and no trace."""
    lines = done.err.strip().splitlines()
    return (
        done.status == 1
        and len(lines) == 1
        and (("disk" in lines[0] and "full" in lines[0]) or "No space left" in lines[0])
        and lines[0].endswith(".")
    )


@pytest.mark.slow
def test_commands(run: Run, home: Path, documents: Path, tmp_path: Path) -> None:
    assert run("knowledge", "add", documents).status == 0
    other = tmp_path / "other.md"
    other.write_text("# Gifts\n\nGift cards last three years.\n", "utf-8")
    filler = fill(home.parent, 0)
    for command in (
        ["knowledge", "add", other],
        ["knowledge", "remove", "returns.md"],
        ["ask", "Can I return opened tea?"],
        ["backup", home.parent / "copy.zip"],
    ):
        done = run(*command)
        assert refused(done), (command, done)
    assert not (home.parent / "copy.zip").exists()
    filler.unlink()

    filler = fill(home.parent, 16)  # room for SQLite's own small files, not for a document
    listed = run("knowledge", "list", "--json")
    assert {row["document"] for row in listed.json} == {"returns.md", "shipping.md", "faq.csv"}
    assert run("knowledge", "check").status == 0
    filler.unlink()
    for command in (
        ["knowledge", "add", other],
        ["knowledge", "remove", "returns.md"],
        ["knowledge", "check"],
    ):
        done = run(*command)
        assert done.status == 0, done


@pytest.mark.slow
def test_the_api(home: Path) -> None:
    app, settings = made(home)
    site = web.build(app, settings)
    client = TestClient(site.asgi, base_url="http://localhost")
    filler = fill(home.parent, 0)
    answers = [client.post("/api/v1/chat", json={"text": ASKED}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(answer.json()["detail"] == FULL for answer in answers)
    assert str(home) not in answers[0].text
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert any("Make room" in problem for problem in ready.json()["problems"])
    assert client.get("/healthz").status_code == 200
    filler.unlink()
    assert client.post("/api/v1/chat", json={"text": ASKED}).status_code == 200
    app.close()
