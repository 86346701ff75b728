"""`zhike learn`: replies of the team's own conversations, proposed, accepted and learnt."""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from chatbot.masking import Masker
from chatbot.store import Store
from finetune import config, learning
from finetune.lessons import STATES, Lesson, Lessons, State
from finetune.registry import Registry
from finetune.retraction import retract as take_back
from finetune.train import QUIET, run
from knowledge.database import Database
from ui import settings
from ui.commands.opening import as_json
from ui.commands.train import Terminal, summary
from ui.job import job_of
from ui.settings import Settings

SHOWN = 300  # characters of a text in the list


@click.group()
def learn() -> None:
    """Learn from the team's own conversations: replies by colleagues, and ours with a thumb up.

    Nothing is learnt before somebody accepted it, and nothing serves before it is promoted.

    \b
    zhike learn list
    zhike learn accept REPLY …
    zhike learn train
    zhike runs gate RUN --golden golden.jsonl
    """


@contextmanager
def _opened() -> Iterator[tuple[Lessons, Registry, Settings]]:
    chosen = settings.load()
    chosen.home.mkdir(parents=True, exist_ok=True)
    database = Database(chosen.home / "zhike.db")
    try:
        Store(database)  # its tables come first
        yield Lessons(database), Registry(database, chosen.home), chosen
    finally:
        database.close()


def _who() -> str:
    return f"{getpass.getuser()} (command line)"


@learn.command(name="list")
@click.option("--state", type=click.Choice(STATES), default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(state: State, limit: int, json_: bool) -> None:
    """Proposed replies with their question; those of solved conversations first."""
    with _opened() as (lessons, _, _):
        found, counts = lessons.listed(state, limit), lessons.counts()
    if json_:
        as_json({"counts": counts, "lessons": [_masked(lesson) for lesson in found]})
        return
    for lesson in found:
        row = _masked(lesson)
        click.echo(f"{lesson.id}  {_origin(lesson)}  {lesson.created[:16]}  {lesson.session_id}")
        click.echo(f"  ? {_short(row['question'])}")
        click.echo(f"  > {_short(row['reply'])}")
        if lesson.account:
            note = f": {lesson.note}" if lesson.note else ""
            click.echo(f"    {lesson.state} by {lesson.account}, {lesson.at[:16]}{note}")
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))


def _origin(lesson: Lesson) -> str:
    if lesson.kind == "thumb":
        return "thumb up"
    return "colleague, solved" if lesson.solved else "colleague"


def _masked(lesson: Lesson) -> dict[str, str]:
    """As it would be learnt: agents may have written what is masked only in the training."""
    masker = Masker()
    row = asdict(lesson)
    return row | {"question": masker.mask(lesson.question), "reply": masker.mask(lesson.reply)}


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}…"


@learn.command()
@click.argument("replies", nargs=-1, required=True)
def accept(replies: tuple[str, ...]) -> None:
    """Let REPLIES (ids of the list) be learnt."""
    with _opened() as (lessons, _, _):
        click.echo(f"accepted   {lessons.accept(replies, _who())}")


@learn.command()
@click.argument("replies", nargs=-1, required=True)
@click.option("--note", default="", help="Why; kept with it.")
def reject(replies: tuple[str, ...], note: str) -> None:
    """Never learn REPLIES."""
    with _opened() as (lessons, _, _):
        click.echo(f"rejected   {lessons.reject(replies, _who(), note)}")


@learn.command()
@click.argument("conversation")
def retract(conversation: str) -> None:
    """Take CONVERSATION back (id of a session, or of an imported conversation).

    Its texts leave the data of every run that learnt from it; those runs are marked and no longer
    promoted.
    """
    with _opened() as (lessons, registry, _):
        found = take_back(lessons, registry, conversation, _who())
    click.echo(
        f"retracted  {found.lessons} lessons; runs that learnt from it: {_named(found.runs)}"
    )
    if found.serving:
        click.echo("One of them serves. Train again, or take it back: zhike runs rollback")


def _named(runs: tuple[str, ...]) -> str:
    return ", ".join(runs) or "none"


@learn.command()
@click.option("--preset", type=click.Choice(config.names()), default="smoke", show_default=True)
@click.option("--name", default="", help="Of the run; by default preset, date and number.")
@click.option(
    "--replay",
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of replies from the champion's own data; else finetune.replay.",
)
@click.option("--json", "json_", is_flag=True, help="For programs.")
def train(preset: str, name: str, replay: float | None, json_: bool) -> None:
    """Train a candidate on what was accepted, beginning with the adapter that serves.

    It is offered, never promoted: `zhike runs gate`, then `zhike runs promote`.
    """
    os.environ.update(QUIET)  # before torch is imported
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    with _opened() as (lessons, registry, chosen):
        share = chosen.finetune.replay if replay is None else replay
        job, course = learning.job_of(
            job_of(chosen, preset=preset, name=name), lessons, registry, share
        )
    if json_:
        as_json({"course": course.table(), "run": asdict(run(job))})
        return
    begun = f"beginning with {course.champion}" if course.champion else "beginning with the base"
    click.echo(f"{course.lessons} lessons, {course.replayed} replies replayed, {begun}")
    with Terminal() as terminal:
        made = run(job, terminal.tell)
    click.echo(summary(made))
    click.echo(f"Before that: zhike runs gate {made.name} --golden FILE")
