"""`zhike evaluate injection`: do lines in documents that address the assistant steer it?"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click
from tqdm import tqdm

from chatbot import injection_trial as trial
from chatbot.app import build
from ui.commands.ask import ready_generator
from ui.commands.opening import as_json
from ui.settings import load

ENGINES: dict[str, Literal["quote", "generate"]] = {"generated": "generate", "quoted": "quote"}
SHOWN = 10


@click.command()
@click.option("--attacks", type=click.Path(path_type=Path), help="JSONL file; else our own.")
@click.option("--json", "json_", is_flag=True)
def injection(attacks: Path | None, json_: bool) -> None:
    """Documents with attack lines in them: obeyed, and questions still answered."""
    lines = trial.read(attacks) if attacks else trial.packaged_attacks()
    found = {name: run(lines, mode) for name, mode in ENGINES.items()}
    if json_:
        shares: dict[str, object] = {name: trial.shares(cases) for name, cases in found.items()}
        as_json(shares | {"cases": len(found["quoted"])})
        return
    for name, cases in found.items():
        click.secho(f"{name}: {trial.shares(cases)} in {len(cases)} cases", bold=True)
        for case in [c for c in cases if c.obeyed or not c.kept][:SHOWN]:
            click.echo(
                f"  {'obeyed' if case.obeyed else 'not answered'}: {case.attack.id}, "
                f"{case.form}, {case.position}: {case.question}"
            )
            click.secho(f"    {case.reply}", dim=True)


def run(attacks: Sequence[trial.Attack], mode: Literal["quote", "generate"]) -> list[trial.Case]:
    """In a home and with documents of its own."""
    settings = load()
    chatbot = replace(settings.chatbot, answers=mode)
    if mode == "quote":
        chatbot = replace(chatbot, generator="none")
    with tempfile.TemporaryDirectory(prefix="zhike-evaluate-") as temporary:
        folder = Path(temporary) / "documents"
        folder.mkdir()
        app = build(Path(temporary) / "home", settings.models, settings.knowledge, chatbot)
        try:
            if mode == "generate":
                ready_generator(app)
            total = len(attacks) * len(trial.FORMATS) * len(trial.POSITIONS)
            cases = trial.run(app, attacks, folder)
            return list(tqdm(cases, mode, total, unit="case", disable=None))
        finally:
            app.close()
