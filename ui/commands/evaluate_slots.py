"""`zhike evaluate slots`: how exactly a trained tagger marks spans."""

from __future__ import annotations

import os
from pathlib import Path

import click

from finetune.registry import opened
from finetune.spans import read
from finetune.tagger_run import measured, trained
from finetune.train import QUIET
from ui.commands.opening import as_json
from ui.commands.train import report
from ui.settings import load


@click.command()
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="CoNLL columns or JSON spans."
)
@click.option("--run", "name", default="", help="Of a tagger; by default the newest.")
@click.option("--json", "json_", is_flag=True)
def slots(data: Path, name: str, json_: bool) -> None:
    """Does a trained tagger mark the right spans? Exact ones, over all and by type."""
    os.environ.update(QUIET)  # before torch is imported
    run = trained(opened(load().home), name)
    found = measured(Path(str(run.path)), read(data))
    if json_:
        as_json(found | {"run": run.name})
        return
    click.echo(report(found))
