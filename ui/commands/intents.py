"""`zhike intents`: what customers want, taught by example; list, edit, train, try."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import click

from chatbot.app import App
from chatbot.errors import IntentError
from chatbot.intent import Look
from chatbot.intents import labelled
from chatbot.intents.report import Report
from chatbot.intents.store import ROUTES, Definition, from_table, to_toml
from chatbot.intents.suggestions import suggestions
from chatbot.types import Route
from ui.commands.opening import as_json, opened

ROUTE = click.Choice(ROUTES)


@click.group()
def intents() -> None:
    """Teach what customers want; a running server learns every change by itself."""


@intents.command(name="list")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(json_: bool) -> None:
    """The intents with their routes, examples, and how many of these are found when withheld."""
    with opened(samples=False) as (app, _):
        found, report = app.assistant.intents.store.all(), app.assistant.intents.report()
    quality = report.quality if report else {}
    if json_:
        as_json([_row(d, quality.get(d.name, {})) for d in found])
        return
    for d in found:
        recall = quality.get(d.name, {}).get("recall")
        share = "–" if recall is None else f"{recall:.0%}"
        click.echo(f"{d.name:<20} {d.route:<10} {len(d.examples):>5} examples  {share:>5} found")
    if not found:
        click.echo("There are no intents. Add one: zhike intents add NAME")


@intents.command()
@click.argument("name")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def show(name: str, json_: bool) -> None:
    """Intent NAME with all its examples."""
    with opened(samples=False) as (app, _):
        found = app.assistant.intents.store.get(name)
    if json_:
        as_json(asdict(found))
        return
    click.secho(f"{found.name}: {found.route}", bold=True)
    for line in (found.description, found.answer):
        if line:
            click.echo(line)
    for text in found.examples:
        click.echo(f"  {text}")


@intents.command()
@click.argument("name")
@click.option("--description", default="", help="What it means; learned from like an example.")
@click.option("--route", type=ROUTE, default="answer", show_default=True, help="What follows.")
@click.option("--answer", default="", help="approved: that question; smalltalk: what is said.")
@click.option("--example", "examples", multiple=True, help="May be given several times.")
def add(name: str, description: str, route: str, answer: str, examples: tuple[str, ...]) -> None:
    """A new intent NAME; a description alone is enough to begin with."""
    with opened(samples=False) as (app, _):
        definition = Definition(name, description, cast(Route, route), answer, examples)
        app.assistant.intents.store.add(definition)
    click.echo(f"added      {name}, {len(examples)} examples")


@intents.command()
@click.argument("name")
@click.option("--name", "new_name", help="Another name.")
@click.option("--description", help="What it means; learned from like an example.")
@click.option("--route", type=ROUTE, help="What follows.")
@click.option("--answer", help="approved: that question; smalltalk: what is said.")
def edit(
    name: str, new_name: str | None, description: str | None, route: str | None, answer: str | None
) -> None:
    """Change intent NAME; what is not given stays."""
    given = {"name": new_name, "description": description, "route": route, "answer": answer}
    with opened(samples=False) as (app, _):
        store = app.assistant.intents.store
        changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        store.change(name, replace(store.get(name), **changes))
    click.echo(f"changed    {new_name or name}")


@intents.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove intent NAME with its examples."""
    with opened(samples=False) as (app, _):
        app.assistant.intents.store.remove(name)
    click.echo(f"removed    {name}")


@intents.group()
def example() -> None:
    """Add and remove the examples of an intent."""


@example.command(name="add")
@click.argument("name")
@click.argument("texts", nargs=-1, required=True)
@click.option("--also", is_flag=True, help="Even if a text belongs to another intent as well.")
def add_example(name: str, texts: tuple[str, ...], also: bool) -> None:
    """Add TEXTS to intent NAME."""
    with opened(samples=False) as (app, _):
        count = app.assistant.intents.store.add_examples(name, texts, also=also)
    click.echo(f"added      {count} new examples")


@example.command(name="remove")
@click.argument("name")
@click.argument("text")
def remove_example(name: str, text: str) -> None:
    """Remove the example TEXT from intent NAME."""
    with opened(samples=False) as (app, _):
        app.assistant.intents.store.remove_example(name, text)
    click.echo("removed    1 example")


@intents.command()
@click.option("--json", "json_", is_flag=True, help="For programs.")
def train(json_: bool) -> None:
    """Learn the intents now; the new model serves from the next turn on."""
    with opened(samples=False) as (app, _):
        report = app.assistant.intents.fit(force=True)
    if json_:
        as_json(report.as_dict())
        return
    click.echo(f"trained    {report.intents} intents in {report.seconds} s")
    _tell(report)


@intents.command()
@click.option("--json", "json_", is_flag=True, help="For programs.")
def confusions(json_: bool) -> None:
    """Which intents are mixed up most, with the examples."""
    with opened(samples=False) as (app, _):
        report = app.assistant.intents.report()
        pairs: list[dict[str, Any]] = [
            {
                "intent": pair.own,
                "taken_for": pair.taken,
                "count": pair.count,
                "examples": _texts(app, pair.keys),
            }
            for pair in (report.pairs if report else ())
        ]
    if json_:
        as_json(pairs)
        return
    for pair in pairs:
        click.secho(f"{pair['intent']} taken for {pair['taken_for']}: {pair['count']}", bold=True)
        for text in pair["examples"]:
            click.echo(f"  {text}")
    if not pairs:
        click.echo("No withheld example was taken for another intent.")


@intents.command()
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--json", "json_", is_flag=True, help="For programs.")
def suggest(limit: int, json_: bool) -> None:
    """Customers' messages worth a label: the model is unsure of them, and they differ."""
    with opened(samples=False) as (app, _):
        found = suggestions(app.database, app.assistant.intents, limit)
    if json_:
        as_json([asdict(one) for one in found])
        return
    for one in found:
        guesses = ", ".join(f"{name} {chance:.0%}" for name, chance in one.guesses)
        click.echo(f"{one.text}")
        click.secho(f"    {guesses}, lead {one.gap:.0%}", dim=True)
    if not found:
        click.echo("There is no message of a customer that would teach anything yet.")
    else:
        click.echo('To teach one: zhike intents example add INTENT "…"')


@intents.command()
@click.argument("text")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def test(text: str, json_: bool) -> None:
    """What the intents make of TEXT: the best three, any of them at all, and why."""
    with opened(samples=False) as (app, _):
        model = app.assistant.intents
        pattern, look = model.tried(text)
        words = model.pulls(text, look.guesses[0].name) if look and not pattern else ()
    if json_:
        as_json(
            {
                "pattern": pattern.name if pattern else None,
                **(asdict(look) if look else {}),
                "words": [{"word": w, "pull": round(p, 4)} for w, p in words],
            }
        )
        return
    if pattern:
        click.echo(f"{pattern.name}: the whole message is one of its patterns ({pattern.route}).")
    elif look:
        _show(look, words)
    else:
        raise IntentError("There is no model yet. Run `zhike intents train`.")


@intents.command(name="models")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def models_(json_: bool) -> None:
    """The trained models that are kept, newest first; * marks the one that serves."""
    with opened(samples=False) as (app, _):
        model = app.assistant.intents
        champion, cards = model.champion(), model.archive.kept()
    serving = champion.name if champion else None
    rows = [
        {
            "name": card["name"],
            "created": card["created"],
            "serving": card["name"] == serving,
            "intents": card["report"]["intents"],
            "accuracy": card["report"]["accuracy"],
            "calibration_error": card["report"]["calibration_error"],
        }
        for card in cards
    ]
    if json_:
        as_json(rows)
        return
    for row in rows:
        right = "–" if row["accuracy"] is None else f"{row['accuracy']:.1%}"
        mark = "*" if row["serving"] else " "
        count = f"{row['intents']} intents"
        click.echo(f"{mark} {row['name']}  {row['created']}  {count:>11}  {right:>6} right")


@intents.command()
@click.argument("name")
def promote(name: str) -> None:
    """Let the trained model NAME serve, from the next turn on until the next change."""
    with opened(samples=False) as (app, _):
        app.assistant.intents.promote(name)
    click.echo(f"promoted   {name}")


@intents.command()
def rollback() -> None:
    """Take the newest model back; the one before serves until the next change."""
    with opened(samples=False) as (app, _):
        name = app.assistant.intents.rollback()
    click.echo(f"{name or 'The packaged model'} serves again.")


@intents.command()
@click.argument("file", type=click.Path(path_type=Path))
def export(file: Path) -> None:
    """Write all intents to FILE, as TOML that people can edit and `import` reads."""
    with opened(samples=False) as (app, _):
        definitions = app.assistant.intents.store.all()
    try:
        file.write_text(to_toml(definitions), encoding="utf-8")
    except OSError as error:
        raise IntentError(f"{file}: cannot be written ({error.strerror}).") from error
    click.echo(f"written    {file}, {len(definitions)} intents")


@intents.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", "all_", is_flag=True, help="Intents that are not in it go.")
def import_(file: Path, all_: bool) -> None:
    """Add the intents of FILE: TOML as exported, or CSV with text and intent."""
    definitions = _read(file)
    with opened(samples=False) as (app, _):
        store = app.assistant.intents.store
        known = {d.name: d for d in store.all()}
        if file.suffix.lower() == ".csv":  # which says nothing of descriptions and routes
            definitions = tuple(
                replace(known[d.name], examples=d.examples) if d.name in known else d
                for d in definitions
            )
        store.merge(definitions, replace=all_)
    count = sum(len(d.examples) for d in definitions)
    click.echo(f"imported   {len(definitions)} intents, {count} examples")


def _read(file: Path) -> tuple[Definition, ...]:
    if file.suffix.lower() == ".csv":
        return labelled.definitions(labelled.read(file))
    try:
        return from_table(tomllib.loads(file.read_text("utf-8")), file.name)
    except OSError as error:
        raise IntentError(f"{file}: cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error) as error:
        raise IntentError(f"{file}: is no TOML file in UTF-8 ({error}).") from error


def _row(definition: Definition, quality: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": definition.description,
        "route": definition.route,
        "answer": definition.answer,
        "examples": len(definition.examples),
        "recall": quality.get("recall"),
        "precision": quality.get("precision"),
    }


def _texts(app: App, keys: tuple[int, ...]) -> list[str]:
    found = (app.assistant.intents.store.example(key) for key in keys)
    return [example.text for example in found if example]


def _tell(report: Report) -> None:
    """The measures that there are, in words."""
    lines = {
        "of withheld examples are found": report.accuracy,
        "expected calibration error of the probabilities": report.calibration_error,
        "of withheld examples are kept by the floor of scope": report.kept,
        "of texts about anything else are refused": report.far_refused,
        "of examples of unknown intents are refused": report.near_refused,
        "of withheld examples may decide the route": report.routed,
        "of these would go wrong": report.routed_wrong,
    }
    for words, value in lines.items():
        if value is not None:
            click.echo(f"{value:>8.1%}  {words}")
    if report.accuracy is None:
        click.echo("Too few examples to measure; give each intent at least two.")


def _show(look: Look, words: Any) -> None:
    for guess in look.guesses:
        near = f"  like: {guess.nearest} ({guess.nearness:.2f})" if guess.nearest else ""
        click.echo(f"{guess.chance:>6.1%}  {guess.name:<20}{near}")
    floors = look.floors
    click.echo(f"any of the intents: {look.scope:.1%} (floor {floors.scope:.1%})")
    click.echo(
        f"{look.verdict}: decides the route from {floors.confidence:.0%} with a lead of "
        f"{floors.gap:.0%}; here {look.guesses[0].chance:.1%} with {look.gap:.1%}"
    )
    if words:
        click.echo("words: " + ", ".join(f"{word} {pull:+.2f}" for word, pull in words))
