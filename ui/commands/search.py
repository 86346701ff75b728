"""`zhike knowledge search`: what a question finds, and why."""

from __future__ import annotations

from typing import Any

import click

from knowledge.language import simplify
from knowledge.search import Ranked
from knowledge.types import Passage
from ui.commands.opening import as_json, opened

REASONS = {
    "collection": "in another collection",
    "duplicate": "says the same as a better one",
    "document": "its document has enough passages",
    "budget": "no room in the budget",
    "score": "too far below the best",
    "limit": "later than the limit",
}


@click.command()
@click.argument("query")
@click.option("--limit", default=5, type=click.IntRange(1, 100), show_default=True)
@click.option("--collection", help="Only this one.")
@click.option("--explain", is_flag=True, help="With the scores of both arms and what was cut.")
@click.option("--json", "json_", is_flag=True)
def search(query: str, limit: int, collection: str | None, explain: bool, json_: bool) -> None:
    """The best passages for QUERY, best first."""
    with opened() as (app, _):
        if explain:
            looked_at = app.knowledge.explain(simplify(query), limit=limit, collection=collection)
        else:
            found = app.knowledge.search(simplify(query), limit=limit, collection=collection)
    if explain:
        _explain(looked_at, json_)
    elif json_:
        as_json([_plain(rank, passage) for rank, passage in enumerate(found, 1)])
    else:
        for rank, passage in enumerate(found, 1):
            _show(rank, passage)


def _plain(rank: int | None, passage: Passage) -> dict[str, Any]:
    return {
        "rank": rank,
        "document": passage.document,
        "heading": passage.heading,
        "text": passage.text,
        "score": round(passage.score, 4),
    }


def _show(rank: int, passage: Passage) -> None:
    click.secho(f"{rank}. {passage.document}  {passage.heading}  ({passage.score:.2f})", bold=True)
    click.echo(f"   {passage.text}")


def _explain(looked_at: list[Ranked], json_: bool) -> None:
    ranks = iter(range(1, len(looked_at) + 1))
    rows = [(next(ranks) if c.cut is None else None, c) for c in looked_at]
    if json_:
        as_json([_row(rank, candidate) for rank, candidate in rows])
        return
    for rank, candidate in rows:
        if rank is not None:
            _show(rank, candidate.passage)
            click.secho(f"   {_scores(candidate)}", dim=True)
    left_out = [candidate for _, candidate in rows if candidate.cut is not None]
    if left_out:
        click.secho("left out", bold=True)
    for candidate in left_out:
        passage = candidate.passage
        click.echo(
            f"   {passage.collection}/{passage.document}  {passage.heading}  "
            f"({passage.score:.2f}): {REASONS[candidate.cut or 'limit']}"
        )
        click.secho(f"     {_scores(candidate)}", dim=True)


def _scores(candidate: Ranked) -> str:
    """Both arms: rank and score in each, then the fusion."""
    passage = candidate.passage
    return (
        f"meaning {_rank(candidate.vector_rank)} cosine {passage.cosine:.3f}, "
        f"words {_rank(candidate.keyword_rank)} BM25 {passage.keyword:.1f} "
        f"share {candidate.share:.2f}, fused {candidate.fused:.3f}"
    )


def _rank(rank: int | None) -> str:
    return "–" if rank is None else f"#{rank}"


def _row(rank: int | None, candidate: Ranked) -> dict[str, Any]:
    passage = candidate.passage
    return {
        **_plain(rank, passage),
        "collection": passage.collection,
        "vector_rank": candidate.vector_rank,
        "cosine": round(passage.cosine, 4),
        "keyword_rank": candidate.keyword_rank,
        "bm25": round(passage.keyword, 4),
        "share": round(candidate.share, 4),
        "fused": round(candidate.fused, 4),
        "cut": candidate.cut,
    }
