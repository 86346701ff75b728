"""`zhike backup` and `zhike restore`: the whole home as one file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ui.backup import Card, back_up
from ui.backup import restore as restored
from ui.commands.opening import as_json
from ui.settings import load


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "machine", is_flag=True, help="Print what the archive holds as JSON.")
def backup(file: Path, machine: bool) -> None:
    """Write documents, conversations, settings and runs to FILE, also while the server runs.

    FILE holds everything that people wrote: keep it as safe as the home itself. The index and
    caches are left out; the first start after `zhike restore` makes them again.

    \b
    zhike backup /backups/zhike-2026-11-26.zip
    """
    card = back_up(load().home, file)
    _show(card, machine, f"{file}: {file.stat().st_size / 2**20:.1f} MB")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "machine", is_flag=True, help="Print what was restored as JSON.")
def restore(file: Path, machine: bool) -> None:
    """Make ZHIKE_HOME from a backup; only where there is none yet.

    \b
    ZHIKE_HOME=~/restored zhike restore /backups/zhike-2026-11-26.zip
    """
    home = load().home
    card = restored(file, home)
    _show(card, machine, f"{home} is as it was at {card.created}; run `zhike serve`")


def _show(card: Card, machine: bool, text: str) -> None:
    if machine:
        as_json(asdict(card))
    else:
        click.echo(f"{text} ({len(card.entries)} files).")
