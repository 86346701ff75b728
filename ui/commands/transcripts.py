"""zhike transcripts: what exports hold, what cleaning drops and why, and putting it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from finetune import funnel
from finetune.cleaning import Cleaned, cleaned
from finetune.documents import opened as opened_documents
from finetune.errors import TranscriptError, UnknownRun
from finetune.funnel import CODES, Dropped
from finetune.put_back import PutBack
from finetune.registry import opened
from finetune.survey import Survey
from finetune.transcripts import BadRow, files
from knowledge.database import Database
from ui import settings
from ui.commands.opening import as_json as print_json

SHOWN = 20  # bad rows or dropped rows on the screen


class Mapping(click.ParamType[tuple[str, str]]):
    """FIELD=COLUMN of a table, or customer=NAME and agent=NAME of a chat log."""

    name = "FIELD=COLUMN"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        field, equals, column = str(value).partition("=")
        if not equals or not field.strip() or not column.strip():
            self.fail(f"{value!r} is not FIELD=COLUMN, as in customer=Question.", param, ctx)
        return field.strip(), column.strip()


map_option = click.option(
    "--map",
    "mapping",
    multiple=True,
    type=Mapping(),
    help="FIELD=COLUMN, as customer=Question; of a chat log agent=NAME. Remembered.",
)
paths_argument = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group()
def transcripts() -> None:
    """Look at exports before training, and at what cleaning drops."""


@transcripts.command()
@paths_argument
@map_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(paths: tuple[Path, ...], mapping: Sequence[tuple[str, str]], as_json: bool) -> None:
    """Formats, counts and the cleaning funnel of files and folders; no text is stored.

    \b
    zhike transcripts check samples/transcripts
    zhike transcripts check answers.xlsx --map customer=Question --map agent=Reply
    """
    survey, result, bad = _cleaned(paths, dict(mapping))
    if as_json:
        rows = [asdict(row) for row in bad]
        steps = [asdict(step) for step in result.funnel]
        print_json(survey.plain() | {"bad_rows": rows, "funnel": steps})
        return
    click.echo("\n".join(_report(survey, result, bad)))


@transcripts.command()
@click.argument("target")
@map_option
@click.option("--reason", type=click.Choice(sorted(CODES)), help="Only those dropped for it.")
@click.option("--json", "as_json", is_flag=True, help="For programs, and all of them.")
def dropped(
    target: str, mapping: Sequence[tuple[str, str]], reason: str | None, as_json: bool
) -> None:
    """The rows that cleaning dropped: of run TARGET, or of a file or folder."""
    rows = [r for r in _dropped(target, dict(mapping)) if reason is None or r.code == reason]
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows[:SHOWN]:
        click.echo(f"{row.id}  {row.code}: {CODES[row.code]}  ({row.conversation})")
        note = f"      Note: {row.note}\n" if row.note else ""
        click.echo(f"  Customer: {row.question}\n     Agent: {row.reply}\n{note}")
    more = f", the first {SHOWN} are shown (--json lists all)" if len(rows) > SHOWN else ""
    click.echo(f"{len(rows)} rows{more}. Put one back: zhike transcripts keep ID")


@transcripts.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="Let cleaning decide about them again.")
def keep(ids: tuple[str, ...], undo: bool) -> None:
    """Put dropped rows back: every run from now on learns from them.

    A row with a password, key or one-time code stays out all the same.
    """
    home = settings.load().home
    home.mkdir(parents=True, exist_ok=True)
    database = Database(home / "zhike.db")
    try:
        store = PutBack(database)
        (store.remove if undo else store.add)(ids)
    finally:
        database.close()
    said = "is up to cleaning again" if undo else "will be learnt from"
    click.echo("\n".join(f"{id} {said}." for id in ids))


def _cleaned(
    paths: Sequence[Path], mapping: dict[str, str]
) -> tuple[Survey, Cleaned, list[BadRow]]:
    """With the settings and the memory of the home, in all languages."""
    chosen = settings.load()
    bad: list[BadRow] = []
    if mapping:
        chosen.home.mkdir(parents=True, exist_ok=True)  # there it is remembered
    size = sum(file.stat().st_size for file in files(paths))
    with tqdm(total=size, unit="B", unit_scale=True, desc="Reading", leave=False) as bar:

        def seen(count: int) -> None:
            bar.update(count)

        survey = Survey(seen)
        with opened_documents(chosen.home, chosen.models, chosen.knowledge) as documents:
            result = cleaned(
                chosen.home, paths, None, chosen.finetune, bad.append, mapping, survey, documents
            )
    return survey, result, bad


def _dropped(target: str, mapping: dict[str, str]) -> list[Dropped]:
    if Path(target).exists():
        return list(_cleaned([Path(target)], mapping)[1].dropped)
    home = settings.load().home
    try:
        if not (home / "zhike.db").exists():
            raise UnknownRun(target)
        registry = opened(home)
        registry.show(target)
    except UnknownRun:
        raise TranscriptError(
            f"{target}: neither a file or folder nor a run. zhike runs list names the runs."
        ) from None
    return funnel.read(registry.folder(target) / "dataset" / "dropped.jsonl")


def _report(survey: Survey, result: Cleaned, bad: Sequence[BadRow]) -> list[str]:
    lines = []
    for file in survey.files:
        count = survey.conversations[file.file]
        lines.append(f"{file.file}: {file.format or 'not a transcript'}, {count} conversations")
        if file.columns:
            lines.append(f"  {', '.join(f'{k}={v}' for k, v in file.columns.items())}")
    speakers = ", ".join(f"{who} {n}" for who, n in survey.turns.most_common())
    languages = ", ".join(f"{code} {n}" for code, n in survey.languages.most_common())
    lines += [
        "",
        f"{survey.conversations.total()} conversations, {survey.turns.total()} turns: {speakers}",
        f"Languages: {languages}. Agents told apart: {survey.agents}. "
        f"Rated: {survey.rated}. Known to be solved or not: {survey.resolved}.",
        f"From {survey.first} to {survey.last}." if survey.first else "No dates.",
        f"{len(bad)} rows could not be read.",
    ]
    lines += [f"  {row.file} line {row.line}: {row.reason}" for row in bad[:SHOWN]]
    return [*lines, "", funnel.picture(result.funnel)]
