"""`zhike faq`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import Run, documents, full, run

__all__ = ["documents", "full", "run"]  # fixtures

pytestmark = pytest.mark.slow
TEA = "Can I return opened tea?"


def test_the_life_of_a_pair(full: Run, tmp_path: Path) -> None:
    (row,) = full("faq", "list", "--json").json
    assert (row["question"], row["origin"], row["files"]) == (TEA, "file", ["faq.csv"])
    full("ask", TEA)
    assert full("faq", "show", row["id"], "--json").json["hits"] == 1
    done = full("faq", "edit", row["id"], "--answer", "=No.", "--add-phrasing", "tea back?",
                "--remove-phrasing", "can opened tea go back")  # fmt: skip
    assert done.status == 0 and "= tea back?" in done.out and "go back" not in done.out
    assert full("ask", "tea back", "--json").json["reply"] == "=No."
    done = full(
        "faq", "add", "--question", "Gift wrap?", "--answer", "$3.", "--phrasing", "能包装吗"
    )
    assert done.out.startswith("added ")
    other = done.out.split()[1]
    assert full("faq", "disable", other).status == 0
    assert "off" in full("faq", "list").out
    assert "No approved answer" in full("faq", "try", "能包装吗").out
    full("faq", "enable", other)
    tried = full("faq", "try", "Gift wrap?", "--json").json
    assert (tried[0]["pair"], tried[0]["why"], tried[0]["score"]) == (other, "answers", 1.0)

    table = tmp_path / "pairs.csv"
    assert "2 pairs" in full("faq", "export", table).out
    assert "'=No." in table.read_text("utf-8-sig")
    assert "0 added, 0 changed, 2 unchanged" in full("faq", "import", table).out
    assert "brings it back" in full("faq", "remove", row["id"]).out
    assert full("faq", "remove", other).status == 0
    assert full("faq", "list", "--json").json == []
    (gone,) = full("faq", "list", "--removed", "--json").json
    assert (gone["id"], gone["state"], gone["hits"]) == (row["id"], "removed", 2)
    assert "2 added" in full("faq", "import", table, "--collection", "other").out


def test_the_file_has_news(full: Run, documents: Path) -> None:
    (row,) = full("faq", "list", "--json").json
    full("faq", "edit", row["id"], "--answer", "Only if it is faulty.")
    (documents / "faq.csv").write_text(f"question,answer\n{TEA},Within 7 days.\n", encoding="utf-8")
    full("knowledge", "add", documents)
    said = full("faq", "show", row["id"]).out
    assert "The file now says: Within 7 days." in said and "Only if it is faulty." in said
    assert "file changed" in full("faq", "list").out
    full("faq", "edit", row["id"], "--file-answer", "take")
    assert full("faq", "show", row["id"], "--json").json["answer"] == "Within 7 days."


def test_mistakes_are_one_sentence(full: Run, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("item,price\ntea,3\n", encoding="utf-8")
    (row,) = full("faq", "list", "--json").json
    add = ("faq", "add", "--question")
    for arguments, words in (
        ((*add, " ", "--answer", "a"), "question is empty"),
        ((*add, "q", "--answer", ""), "answer to 'q' is empty"),
        ((*add, "q", "--answer", "a", "--phrasing", TEA), f"asked by the approved answer '{TEA}'"),
        (("faq", "show", "nothing"), "no approved answer 'nothing'"),
        (("faq", "enable", "nothing"), "no approved answer"),
        (("faq", "remove", "nothing"), "no approved answer"),
        (("faq", "edit", row["id"]), "nothing to change"),
        (("faq", "edit", row["id"], "--answer", ""), "is empty"),
        (("faq", "edit", row["id"], "--remove-phrasing", "x"), "no phrasing 'x'"),
        (("faq", "edit", row["id"], "--file-answer", "keep"), "nothing to decide"),
        (("faq", "import", tmp_path / "prices.csv"), "a column 'question'"),
        (("faq", "import", tmp_path / "none.csv"), "no such file"),
        (("faq", "export", tmp_path / "none" / "a.csv"), "cannot be written"),
        (("knowledge", "remove", "approved-answers"), "no document"),
    ):
        done = full(*arguments)
        assert done.status == 1 and done.out == "", arguments
        assert words in done.err and len(done.err.strip().splitlines()) == 1, done.err
    assert [r["origin"] for r in full("faq", "list", "--json").json] == ["file"]
