"""`zhike faq`: approved answers, from files and by hand."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from chatbot.errors import ChatbotError
from chatbot.trial import trial
from knowledge.pair_table import pairs_of, written
from knowledge.pairs import Pair
from ui.commands.opening import as_json, opened

DEFAULT = "default"
HIDDEN = ("key", "faq_id", "in_file")  # of a pair, and not told
WHY = {
    "answers": "answers",
    "off": "switched off",
    "gone": "no file in use has it",
    "far": "not near enough",
    "negation": "only one of both negates",
    "numbers": "other numbers or codes",
    "words": "other words",
    "order": "the same words in another order",
    "language": "another one is in the customer's language",
    "contradicted": "an equally near one says something else",
    "other": "another one comes first",
}


@click.group()
def faq() -> None:
    """Approved answers: given word for word to those who ask the same."""


@faq.command(name="list")
@click.option("--collection", help="Only this one.")
@click.option("--removed", is_flag=True, help="Also those removed that a file still has.")
@click.option("--json", "json_", is_flag=True)
def list_(collection: str | None, removed: bool, json_: bool) -> None:
    """The pairs with their ids, how often they were given, and their state."""
    with opened() as (app, _):
        pairs = app.knowledge.approved.pairs(collection, removed=removed)
    if json_:
        as_json([_row(pair) for pair in pairs])
        return
    for pair in pairs:
        click.echo(f"{pair.id}  {_state(pair):12} {pair.hits:5} times  {pair.question}")


@faq.command()
@click.argument("id")
@click.option("--json", "json_", is_flag=True)
def show(id: str, json_: bool) -> None:
    """One pair with its phrasings, answer and files."""
    with opened() as (app, _):
        pair = app.knowledge.approved.find(id)
    if json_:
        as_json(_row(pair))
    else:
        _show(pair)


@faq.command()
@click.option("--question", required=True, help="As customers ask it.")
@click.option("--answer", required=True, help="What they read, word for word.")
@click.option("--phrasing", "phrasings", multiple=True, help="Another way to ask, any language.")
@click.option("--collection", default=DEFAULT, help="Product line that it belongs to.")
def add(question: str, answer: str, phrasings: tuple[str, ...], collection: str) -> None:
    """Add a pair by hand; it answers at once.

    \b
    zhike faq add --question "Do you gift-wrap?" --answer "Yes, for $3." --phrasing "gift wrapping"
    """
    with opened() as (app, _):
        pair = app.knowledge.approved.add(question, answer, phrasings, collection)
    click.echo(f"added      {pair.id}  {pair.question}")


@faq.command()
@click.argument("id")
@click.option("--question")
@click.option("--answer")
@click.option("--add-phrasing", "more", multiple=True, help="Another way to ask.")
@click.option("--remove-phrasing", "fewer", multiple=True, help="A way to ask, as it is listed.")
@click.option(
    "--file-answer",
    "choice",
    type=click.Choice(["keep", "take"]),
    help="Where the file's answer changed after an edit: keep the edit, or take the file's.",
)
def edit(
    id: str,
    question: str | None,
    answer: str | None,
    more: tuple[str, ...],
    fewer: tuple[str, ...],
    choice: Literal["keep", "take"] | None,
) -> None:
    """Change a pair, of a file or not; adding the file again does not undo it."""
    text = question is not None or answer is not None or more or fewer
    if choice and text:
        raise ChatbotError("Use --file-answer alone, and change the text in a second step.")
    if not choice and not text:
        raise ChatbotError("There is nothing to change: give a new --question, --answer or so.")
    with opened() as (app, _):
        approved = app.knowledge.approved
        if choice:
            pair = approved.settle(id, choice)
        else:
            ways = approved.find(id).phrasings
            for way in fewer:
                if way not in ways:
                    raise ChatbotError(f"The pair {id} has no phrasing {way!r}; `show` lists them.")
            kept = [way for way in ways if way not in fewer]
            pair = approved.edit(id, question, answer, [*kept, *more])
    _show(pair)


@faq.command()
@click.argument("id")
def enable(id: str) -> None:
    """Let a pair answer; also brings back one of a file that was removed."""
    with opened() as (app, _):
        pair = app.knowledge.approved.enable(id)
    click.echo(f"enabled    {pair.id}  {pair.question}")


@faq.command()
@click.argument("id")
def disable(id: str) -> None:
    """Keep a pair, but let it not answer."""
    with opened() as (app, _):
        pair = app.knowledge.approved.enable(id, enabled=False)
    click.echo(f"disabled   {pair.id}  {pair.question}")


@faq.command()
@click.argument("id")
def remove(id: str) -> None:
    """Delete a pair; one of a file stays away when the file is added again."""
    with opened() as (app, _):
        pair = app.knowledge.approved.remove(id)
    click.echo(f"removed    {pair.id}  {pair.question}")
    if pair.files:
        click.echo(f"           {pair.files[0]} still has it; enable {pair.id} brings it back")


@faq.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--collection", default=DEFAULT, help="Product line that they belong to.")
def import_(file: Path, collection: str) -> None:
    """Add the pairs of a csv or xlsx FILE as if by hand: all, or none if one cannot be added."""
    with opened() as (app, settings):
        pairs, warnings = pairs_of(file, settings.knowledge.max_file_mb)
        done = app.knowledge.approved.load(pairs, collection)
    click.echo(f"imported   {done.added} added, {done.changed} changed, {done.unchanged} unchanged")
    for warning in warnings:
        click.secho(f"           {warning}", fg="yellow", err=True)


@faq.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--collection", help="Only this one.")
def export(file: Path, collection: str | None) -> None:
    """Write the pairs that answer to a csv FILE, which spreadsheets and `import` read."""
    with opened() as (app, _):
        pairs = [p for p in app.knowledge.approved.pairs(collection) if p.answers]
    try:
        file.write_text(written(pairs), encoding="utf-8-sig", newline="")  # Excel needs the mark
    except OSError as error:
        raise ChatbotError(f"{file}: it cannot be written ({error.strerror}).") from error
    click.echo(f"written    {len(pairs)} pairs to {file}")


@faq.command(name="try")
@click.argument("question")
@click.option("--collection", help="Only this one.")
@click.option("--json", "json_", is_flag=True)
def try_(question: str, collection: str | None, json_: bool) -> None:
    """Which pair would answer QUESTION, and why the nearest others would not.

    The score is 1 for the same question, else the cosine of both. Nothing is counted.
    """
    with opened() as (app, settings):
        found = trial(app.knowledge, settings.chatbot, question, collection)
    if json_:
        as_json([{**asdict(one), "score": round(one.score, 4)} for one in found])
        return
    if not any(one.why == "answers" for one in found):
        click.echo("No approved answer would be given.")
    for one in found:
        words = f" ({', '.join(one.words)})" if one.words else ""
        click.secho(f"{one.score:.2f}  {one.pair}  {WHY[one.why]}{words}", bold=True)
        click.echo(f"      {one.phrasing}")
        if one.why == "answers":
            click.echo(f"      {one.answer}")


def _row(pair: Pair) -> dict[str, Any]:
    """The stable form that scripts may rely on."""
    row = {name: value for name, value in asdict(pair).items() if name not in HIDDEN}
    return {**row, "answers": pair.answers}


def _state(pair: Pair) -> str:
    if pair.gone:
        return "file unused"
    return "file changed" if pair.news is not None and pair.state == "on" else pair.state


def _show(pair: Pair) -> None:
    click.secho(pair.question, bold=True)
    for way in pair.phrasings:
        click.echo(f"  = {way}")
    click.echo(pair.answer)
    last = f", last {pair.last_hit[:16].replace('T', ' ')} UTC" if pair.last_hit else ""
    source = ", ".join(pair.files) or "no file"
    click.secho(
        f"{pair.id} · {pair.collection} · {_state(pair)} · {pair.origin} · {source} · "
        f"given {pair.hits} times{last}",
        dim=True,
    )
    if pair.news is not None:
        click.secho(f"The file now says: {pair.news}", fg="yellow")
        click.secho(f"zhike faq edit {pair.id} --file-answer keep (or take)", fg="yellow")
    for other in pair.also:
        click.secho(f"A file also answers: {other}", fg="yellow")
