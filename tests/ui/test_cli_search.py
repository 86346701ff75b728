"""`zhike knowledge search --explain` and `zhike knowledge glossary`, as staff use them."""

from __future__ import annotations

import pytest

from .command import Run, documents, full, run

__all__ = ["documents", "full", "run"]

PLAIN = {"rank", "document", "heading", "text", "score"}


def test_the_explanation_shows_both_arms_and_what_was_left_out(
    full: Run, documents: object
) -> None:
    assert full("knowledge", "add", documents, "--collection", "other").status == 0
    question = ("knowledge", "search", "can opened tea be returned", "--limit", "2")
    rows = full(*question, "--collection", "default", "--explain", "--json").json
    shown = [row for row in rows if row["cut"] is None]
    plain = full(*question, "--collection", "default", "--json").json
    assert [{key: row[key] for key in PLAIN} for row in shown] == plain
    assert shown[0]["keyword_rank"] and shown[0]["vector_rank"] and shown[0]["share"] > 0
    assert {row["rank"] for row in rows if row["cut"]} == {None}
    assert {row["collection"] for row in rows if row["cut"] == "collection"} == {"other"}
    assert any(row["cut"] == "limit" for row in rows)
    said = full(*question, "--collection", "default", "--explain").out
    assert "1. " in said and "cosine" in said and "in another collection" in said


def test_the_glossary_is_kept_and_searched(full: Run) -> None:
    question = ("knowledge", "search", "cost of freight", "--explain", "--json")

    def by_words() -> set[str]:
        return {row["document"] for row in full(*question).json if row["bm25"]}

    assert "shipping.md" not in by_words()
    added = full("knowledge", "glossary", "add", "freight", "运费", "shipping fee")
    assert added.out == "added      freight = 运费 = shipping fee\n"
    assert "shipping.md" in by_words()
    entry = {"collection": "default", "terms": ["freight", "运费", "shipping fee"]}
    assert full("knowledge", "glossary", "list", "--json").json == [entry]
    assert full("knowledge", "glossary", "list", "--collection", "none").out == ""
    assert full("knowledge", "glossary", "remove", "运费").status == 0
    assert "freight = shipping fee" in full("knowledge", "glossary", "list").out
    assert "shipping.md" not in by_words()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "tea"], "two different terms"),
        (["add", "tea", "..."], "letters or digits"),
        (["remove", "tea"], "no term 'tea'"),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, arguments: list[str], words: str) -> None:
    done = run("knowledge", "glossary", *arguments)
    assert done.status == 1 and words in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_share_beyond_one_stops_the_start(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_KNOWLEDGE_CUT", "1.5")
    done = run("knowledge", "list")
    assert done.status == 1 and "knowledge.cut" in done.err and "Traceback" not in done.err


def test_a_reranker_that_is_not_there_is_a_problem_and_search_goes_on(
    full: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_KNOWLEDGE_RERANKER", "no-such-model")
    assert full("knowledge", "search", "opened tea", "--json").json
    assert "no-such-model" in full("doctor").err
