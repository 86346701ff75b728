"""`zhike evaluate policy`: is done with conversations what should be done?"""

from __future__ import annotations

from pathlib import Path

import click
from tqdm import tqdm

from chatbot import labelled_policy
from ui.commands.ask import ready_generator
from ui.commands.opening import as_json
from ui.commands.scores import DATA
from ui.commands.throw_away import throw_away


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA / "policy.jsonl",
    show_default="tests/data/policy.jsonl",
    help="JSON lines with turns, action and reason.",
)
@click.option(
    "--knowledge",
    "folder",
    type=click.Path(path_type=Path),
    help="Answer from this folder instead of the home's documents.",
)
@click.option("--json", "json_", is_flag=True)
def policy(data: Path, folder: Path | None, json_: bool) -> None:
    """Answers, refusals, questions back and hand-overs with their reasons, with the wrong ones."""
    conversations = labelled_policy.read(data)
    with throw_away(folder) as app:
        ready_generator(app)
        shown = tqdm(conversations, unit="conversation", disable=None)
        report = labelled_policy.scores([(one, labelled_policy.ask(app, one)) for one in shown])
    if json_:
        as_json(report)
        return
    click.echo(f"{report['accuracy']:.1%} of {report['conversations']} conversations right")
    for name, row in report["by_action"].items():
        click.echo(
            f"  {name:10} precision {row['precision']}  recall {row['recall']}  of {row['count']}"
        )
    for case in report["wrong"]:
        wanted = " ".join(filter(None, (case["action"], case["reason"])))
        click.echo(f"  {' / '.join(case['turns'])}: wanted {wanted}, found {case['found']}")
