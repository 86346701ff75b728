"""The command `zhike knowledge`: the life of documents from a terminal."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from .command import Run, documents, full, run

__all__ = ["documents", "full", "run"]  # fixtures

PAST = str(date.today() - timedelta(7))


def _found(run: Run) -> bool:
    rows = run("knowledge", "search", "opened tea", "--json").json
    return "returns.md" in {row["document"] for row in rows}


def test_a_document_is_hidden_and_shown_again(full: Run) -> None:
    """By path and by id, and what list and show say of it."""
    (id_,) = (r["id"] for r in full("knowledge", "list", "--json").json if r["title"] == "Returns")
    assert _found(full)
    assert full("knowledge", "disable", "returns.md").status == 0
    assert not _found(full)
    assert "returns.md" in full("knowledge", "list").out
    assert full("knowledge", "show", id_, "--json").json["state"] == "disabled"
    assert "(found)" in full("knowledge", "enable", id_).out
    assert _found(full)
    assert "until" in full("knowledge", "dates", "returns.md", "--until", PAST).out
    assert not _found(full)
    assert f"not valid today (until {PAST})" in full("knowledge", "list").out
    assert "always (found)" in full("knowledge", "dates", id_, "--until", "").out
    assert _found(full)


def test_versions(full: Run, documents: Path) -> None:
    (documents / "returns.md").write_text("# Returns\n\n## Opened tea\n\nNever.\n", "utf-8")
    assert full("knowledge", "add", documents).status == 0
    shown = full("knowledge", "show", "returns.md", "--json").json
    assert [(v["number"], v["state"], v["change"]) for v in shown["versions"]] == [
        (2, "current", "replaced"),
        (1, "previous", "added"),
    ]
    assert full("knowledge", "history", "returns.md", "--json").json == shown["versions"]
    assert [c["text"] for c in full("knowledge", "chunks", "returns.md", "--json").json] == [
        "Never."
    ]
    assert "to version 1, now version 3" in full("knowledge", "rollback", "returns.md").out
    assert "quality problem" in full("knowledge", "chunks", "returns.md").out
    assert full("knowledge", "history", "returns.md").out.count("version") == 3


def test_review(run: Run, documents: Path) -> None:
    assert run("knowledge", "collections", "set", "default", "--review", "on").status == 0
    rows = run("knowledge", "add", documents, "--json").json
    assert [row["draft"] for row in rows] == [True, True, True]
    assert not _found(run)
    assert (
        "published  returns.md (version 1, found)" in run("knowledge", "publish", "returns.md").out
    )
    assert _found(run)
    assert run("knowledge", "collections", "--json").json == [
        {"name": "default", "documents": 3, "review": True}
    ]


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_into_another_home(
    full: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    full("knowledge", "disable", "shipping.md")
    assert "3 documents" in full("knowledge", "export", tmp_path / name).out
    before = full("knowledge", "list", "--json").json
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path / "other"))
    assert full("knowledge", "import", tmp_path / name).status == 0
    after = full("knowledge", "list", "--json").json
    same = ("document", "title", "language", "chunks", "faqs", "state", "found")
    assert [[row[k] for k in same] for row in after] == [[row[k] for k in same] for row in before]
    assert _found(full)


def test_check(full: Run, home: Path) -> None:
    assert full("knowledge", "check").out == "all well\n"
    (path,) = (home / "index").iterdir()
    path.write_bytes(b"cut off")
    done = full("knowledge", "check")
    assert done.status == 1 and done.err.count("\n") == 1 and "rebuild` repairs it" in done.err
    assert full("knowledge", "rebuild").status == 0
    assert full("knowledge", "check").status == 0


def test_check_makes_no_home(run: Run, home: Path) -> None:
    done = run("knowledge", "check")
    assert done.status == 1 and "no database to check" in done.err
    assert list(home.iterdir()) == []
