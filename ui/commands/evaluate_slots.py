"""`zhike evaluate slots`: how exactly a trained tagger marks spans."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from finetune.registry import opened
from finetune.spans import read
from finetune.tagger_run import lookup_of, measured, trained
from finetune.train import QUIET
from ui.commands.opening import as_json
from ui.commands.train import report
from ui.settings import load


@click.command()
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="CoNLL columns or JSON spans."
)
@click.option("--run", "name", default="", help="Of a tagger; by default the newest.")
@click.option("--no-context", is_flag=True, help="As in conversations: unknown what was asked.")
@click.option("--json", "json_", is_flag=True)
def slots(data: Path, name: str, no_context: bool, json_: bool) -> None:
    """Does a trained tagger mark the right spans? Exact ones, over all and by type."""
    os.environ.update(QUIET)  # before torch is imported
    home = load().home
    run, texts = trained(opened(home), name), read(data)
    if no_context:
        texts = [replace(text, context="") for text in texts]
    found = measured(run, texts, lookup_of(home))
    if json_:
        as_json(found | {"run": run.name})
        return
    click.echo(report(found))
