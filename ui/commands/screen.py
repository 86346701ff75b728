"""zhike screen: try the safety screen, and the team's own words for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from chatbot.language import spoken
from chatbot.safety import screen as screened
from chatbot.word_lists import List, WordLists
from knowledge.database import Database
from ui import settings
from ui.commands.opening import as_json


class Trying(click.Group):
    """`zhike screen "…"` is short for `zhike screen try "…"`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["try", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Trying)
def screen() -> None:
    """See what the screen makes of a text; list banned and allowed words.

    \b
    zhike screen "call me at +44 20 7946 0958"
    zhike screen add 赌博
    """


@contextmanager
def _lists() -> Iterator[WordLists]:
    database = Database(settings.load().home / "zhike.db")
    try:
        yield WordLists(database)
    finally:
        database.close()


@screen.command(name="try")
@click.argument("text")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def try_(text: str, json_: bool) -> None:
    """Language, masked text and rule of TEXT; nothing is stored."""
    with _lists() as lists:
        verdict = screened(text, lists.words())
    found = spoken(text, settings.load().chatbot.languages)
    if json_:
        as_json({"language": found.main, "second": found.second, **asdict(verdict)})
        return
    also = f", also {found.second}" if found.second else ""
    click.echo(f"language  {found.main}{also}")
    click.echo(f"stored    {verdict.masked}")
    click.echo(f"personal  {', '.join(verdict.found) or 'none found'}")
    click.echo(f"rule      {verdict.rule or 'none: it is answered'}")


@screen.command(name="list")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(json_: bool) -> None:
    """The team's banned and allowed words."""
    with _lists() as lists:
        words = lists.listed()
    if json_:
        as_json([asdict(word) for word in words])
        return
    if not words:
        click.echo("No words yet. Ban one: zhike screen add WORD")
    for word in words:
        click.echo(f"{word.list:<8} {word.created[:10]}  {word.word}")


@screen.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--allow", is_flag=True, help="What a rule finds inside these does not count.")
def add(words: tuple[str, ...], allow: bool) -> None:
    """Ban WORDS (or phrases); works from the next turn on."""
    name: List = "allowed" if allow else "banned"
    with _lists() as lists:
        lists.add(name, *words)
    click.echo(f"{', '.join(words)}: {name} from the next turn on.")


@screen.command()
@click.argument("words", nargs=-1, required=True)
def remove(words: tuple[str, ...]) -> None:
    """Take WORDS off their list."""
    with _lists() as lists:
        lists.remove(*words)
    click.echo(f"{', '.join(words)}: no longer listed.")
