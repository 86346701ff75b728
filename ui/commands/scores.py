"""`zhike evaluate language`, `pii`, `grounding`, `sentiment`: what needs no documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chatbot import labelled, labelled_moods, labelled_replies
from knowledge.embedder import make_embedder
from ui.commands.opening import as_json
from ui.settings import load

DATA = Path(__file__).parents[2] / "tests" / "data"


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA / "languages.csv",
    show_default="tests/data/languages.csv",
    help="CSV with columns text, language.",
)
@click.option("--json", "json_", is_flag=True)
def language(data: Path, json_: bool) -> None:
    """Is the language of each text found? With the wrong ones."""
    report = labelled.languages(labelled.utterances(data), load().chatbot.languages)
    if json_:
        as_json(report)
        return
    for name, value in report.items():
        if name != "wrong":
            click.echo(f"{name:12} {value}")
    for case in report["wrong"]:
        click.echo(f"  {case['text']}  {case['language']}, found {case['found']}")


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA / "personal_data.jsonl",
    show_default="tests/data/personal_data.jsonl",
    help="JSON lines with text and spans.",
)
@click.option("--json", "json_", is_flag=True)
def pii(data: Path, json_: bool) -> None:
    """Is personal data found, and nothing else? Exact spans, over all and by kind."""
    report = labelled.personal(labelled.marked(data))
    if json_:
        as_json(report)
        return
    _line("all", report)
    for kind, scores in report["by_type"].items():
        _line(kind, scores)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA / "grounding_zh.jsonl",
    show_default="tests/data/grounding_zh.jsonl",
    help="JSON lines with evidence, history, reply, and supported or score.",
)
@click.option("--json", "json_", is_flag=True)
def grounding(data: Path, json_: bool) -> None:
    """Is a reply told from one that its passages do not support? Beside plain containment."""
    report = labelled_replies.scores(labelled_replies.read(data))
    if json_:
        as_json(report)
        return
    for name, value in report.items():
        click.echo(f"{name:22} {value}")


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA / "moods.csv",
    show_default="tests/data/moods.csv",
    help="CSV with columns text, label (negative, neutral, positive, angry) or text, score.",
)
@click.option("--json", "json_", is_flag=True)
def sentiment(data: Path, json_: bool) -> None:
    """How a customer feels: right labels, or the correlation with scores; and false alarms."""
    settings = load()
    embedder = make_embedder(settings.knowledge, settings.models)
    report = labelled_moods.scores(labelled_moods.read(data), embedder)
    if json_:
        as_json(report)
        return
    for name, value in report.items():
        if name != "wrong":
            click.echo(f"{name:14} {value}")
    for case in report["wrong"]:
        click.echo(f"  {case['text']}  {case['label']}, found {case['found']}")


def _line(name: str, scores: dict[str, Any]) -> None:
    click.echo(
        f"{name:10} precision {scores['precision']:.4f}  recall {scores['recall']:.4f}  "
        f"f1 {scores['f1']:.4f}"
    )
