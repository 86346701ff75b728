"""`zhike evaluate`: measure, on labelled data, what customers would get."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from chatbot import evaluate as scoring
from chatbot import followup
from chatbot.errors import ChatbotError
from chatbot.types import Message
from knowledge import evaluate as searching
from knowledge.database import Database
from knowledge.embedder import make_embedder
from knowledge.embedding_cache import CachedEmbedder
from knowledge.knowledge_base import KnowledgeBase
from knowledge.language import simplify
from ui.commands import scores
from ui.commands.ask import ready_generator
from ui.commands.evaluate_injection import injection
from ui.commands.evaluate_intent import intent
from ui.commands.evaluate_policy import policy
from ui.commands.evaluate_slots import slots
from ui.commands.opening import as_json
from ui.commands.throw_away import throw_away
from ui.settings import Settings, load


@click.group()
def evaluate() -> None:
    """Score answers on labelled questions, in a throw-away copy of the home."""


evaluate.add_command(scores.language)
evaluate.add_command(scores.pii)
evaluate.add_command(slots)
evaluate.add_command(scores.grounding)
evaluate.add_command(scores.sentiment)


@evaluate.command()
@click.option("--golden", required=True, type=click.Path(path_type=Path), help="JSONL file.")
@click.option(
    "--knowledge",
    "folder",
    type=click.Path(path_type=Path),
    help="Answer from this folder instead of the home's documents.",
)
@click.option("--json", "json_", is_flag=True)
def answers(golden: Path, folder: Path | None, json_: bool) -> None:
    """Answered rightly, abstained rightly, supported: per language, with the worst cases."""
    questions = scoring.read(golden)
    with throw_away(folder) as app:
        ready_generator(app)
        shown = tqdm(questions, unit="question", disable=None)
        outcomes = [scoring.ask(app, question) for question in shown]
    report = scoring.summary(outcomes)
    if json_:
        as_json(report)
    else:
        _show(report)


@evaluate.command()
@click.option("--corpus", type=click.Path(path_type=Path), help="Folder of documents.")
@click.option("--queries", type=click.Path(path_type=Path), help="JSONL file for --corpus.")
@click.option("--beir", type=click.Path(path_type=Path), help="Data set in BEIR's layout instead.")
@click.option("--json", "json_", is_flag=True)
def retrieval(corpus: Path | None, queries: Path | None, beir: Path | None, json_: bool) -> None:
    """Is the right document found? By vectors, by keywords and by both, in a throw-away home."""
    if bool(beir) == bool(corpus and queries):
        raise ChatbotError("Give either --corpus and --queries, or --beir.")
    settings = load()
    with tempfile.TemporaryDirectory(prefix="zhike-evaluate-") as temporary:
        home = Path(temporary)
        if beir:
            corpus = home / "corpus"
            corpus.mkdir()
            asked = searching.read_beir(beir, corpus)
        else:
            assert corpus and queries
            asked = searching.read(queries)
        report = search_report(home, corpus, asked, settings)
    if json_:
        as_json(report)
    else:
        for name, value in report.items():
            click.echo(f"{name:12} {value}")


evaluate.add_command(injection)
evaluate.add_command(policy)
evaluate.add_command(intent)


def search_report(
    home: Path, corpus: Path, asked: list[searching.Query], settings: Settings
) -> dict[str, Any]:
    """Scores of both arms and their fusion over a folder of documents, in a new home."""
    embedder = CachedEmbedder(
        make_embedder(settings.knowledge, settings.models), settings.models.parent / "embeddings"
    )
    database = Database(home / "zhike.db")
    try:
        base = KnowledgeBase(database, home / "index", embedder, settings.knowledge)
        for ingested in tqdm(base.add([corpus]), unit="file", disable=None):
            if ingested.error:
                click.secho(ingested.error, fg="red", err=True)
        begin = time.perf_counter()
        found = [_ranked(base, query) for query in tqdm(asked, unit="query", disable=None)]
        seconds = time.perf_counter() - begin
        talks = any(query.history for query in asked)
        alone = [_ranked(base, replace(query, history=())) for query in asked] if talks else found
    finally:
        database.close()
        embedder.close()
    arms = {name: searching.scores(asked, [f[name] for f in found]) for name in found[0]}
    last = searching.scores(asked, [f["fused"] for f in alone])
    return {
        **arms["fused"],
        "vector": arms["vector"],
        "keyword": arms["keyword"],
        **({"last_turn_alone": last} if talks else {}),
        "queries": len(asked),
        "seconds": round(seconds, 1),
    }


def _ranked(base: KnowledgeBase, query: searching.Query) -> dict[str, list[str]]:
    """As the assistant searches: with what was said before."""
    history = [Message("user" if r == "user" else "assistant", text) for r, text in query.history]
    before = followup.before(query.text, history)
    return base.ranked_documents(simplify(query.text), searching.DEPTH, before)


def _show(report: dict[str, object]) -> None:
    for language, shares in report["by_language"].items():  # type: ignore[attr-defined]
        click.secho(language, bold=True)
        for name, value in shares.items():
            click.echo(f"  {name:30} {value}")
    click.secho("confusion", bold=True)
    for name, row in report["confusion"].items():  # type: ignore[attr-defined]
        click.echo(f"  {name:14} " + ", ".join(f"{k}: {v}" for k, v in row.items()))
    click.echo(f"median reply {report['median_characters']} characters, p50 {report['p50_ms']} ms")
    click.secho("worst", bold=True)
    for case in report["worst"]:  # type: ignore[attr-defined]
        click.echo(f"  {case['id']} ({case['action']}, {case['confidence']}) {case['question']}")
        click.secho(f"    {case['reply']}", dim=True)
        click.secho(f"    wanted {case['wanted']} of {case['documents']}", dim=True)
