"""zhike runs: what was trained, and which adapter and tagger serve."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click
from tqdm import tqdm

from chatbot import evaluate
from finetune.errors import NotPromotable
from finetune.export import Form
from finetune.export import export as exported
from finetune.foundation import Foundation
from finetune.gate import measure
from finetune.registry import Registry, Run, Task, opened
from finetune.train import QUIET
from finetune.train import cancel as cancel_run
from ui import settings
from ui.commands.ask import LOADING_SECONDS
from ui.commands.throw_away import throw_away
from ui.commands.train import report


@click.group()
def runs() -> None:
    """List training runs, let an adapter or a tagger serve, or take it back."""


def _registry() -> Registry:
    return opened(settings.load().home)


@runs.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """All runs, newest first; * serves."""
    registry = _registry()
    found = registry.list()
    if as_json:
        rows = [_plain(run, registry.serves(run)) for run in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not found:
        click.echo("No runs yet. Make one: zhike train --transcripts samples/transcripts")
    for run in found:
        mark = "*" if registry.serves(run) else " "
        click.echo(f"{mark} {run.name:<24} {run.state:<10} {run.created[:16]}  {_result(run)}")


@runs.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(name: str, as_json: bool) -> None:
    """One run: its data, what was removed and why, losses, sample replies."""
    registry = _registry()
    run = registry.show(name)
    if as_json:
        plain = _plain(run, registry.serves(run))
        click.echo(json.dumps(plain | {"card": run.card}, ensure_ascii=False, indent=1))
        return
    click.echo(f"{run.name}: {run.state}, preset {run.preset}, base {run.base}, {run.created}")
    click.echo(_result(run))
    if not run.card:
        return
    if "report" in run.card:  # a tagger
        click.echo(report(run.card["report"]))
        return
    click.echo("\nWhat was learnt from, step by step:")
    for step in run.card["dataset"]["funnel"]:
        click.echo(
            f"  {step['name']:<14} {step['kept']:>7} kept {step['removed']:>6} removed  "
            f"{step['unit']}: {step['reason']}"
        )
    for row in run.card["dataset"]["first_bad_rows"]:
        click.echo(f"  {row['file']} line {row['line']} skipped: {row['reason']}")
    for sample in run.card["evaluation"]["samples"]:
        click.echo(f"\nCustomer: {sample['question']}\n   Agent: {sample['agent']}")
        click.echo(f"    Base: {sample['base']}\n Adapter: {sample['adapter']}")
    if "gate" in run.card:
        _show_gate(run.card["gate"])


@runs.command()
@click.argument("name")
@click.option("--share", default=1.0, show_default=True, help="Of the sessions, above 0 to 1.")
@click.option("--force", is_flag=True, help="Even if it is no better, or failed its gate.")
@click.option("--reason", default="", help="Why --force; written on the card.")
def promote(name: str, share: float, force: bool, reason: str) -> None:
    """Let the adapter or tagger of run NAME serve from the next turn on."""
    registry = _registry()
    champion = registry.promote(name, share, force=force, reason=reason)
    if registry.show(name).task == "entities":
        click.echo(f"{champion.name} marks slots from the next turn on.")
        return
    click.echo(
        f"{champion.name} serves {champion.share:.0%} of the sessions from the next turn on."
    )


@runs.command()
@click.argument("name")
@click.option("--share", default=0.1, show_default=True, help="Of the sessions, above 0, below 1.")
def canary(name: str, share: float) -> None:
    """Try the adapter of run NAME on a share of the sessions; it goes by itself if rated worse."""
    if not 0 < share < 1:
        raise NotPromotable(f"The share of a canary must be above 0 and below 1, not {share}.")
    champion = _registry().promote(name, share)
    click.echo(
        f"{champion.name} is tried on {champion.share:.0%} of the sessions. Let it serve all: "
        f"zhike runs promote {name}. Take it back: zhike runs rollback"
    )


@runs.command()
@click.argument("name")
@click.option("--limit", default=8, show_default=True, help="Held-out questions, at least 1.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def compare(name: str, limit: int, as_json: bool) -> None:
    """Ask base, champion and run NAME the same held-out questions; promotion heeds it."""
    if limit < 1:
        raise NotPromotable(f"--limit must be at least 1, not {limit}.")
    chosen, registry = settings.load(), _registry()
    run = registry.show(name)
    if run.task != "dialogue":
        raise NotPromotable(
            f"Run {name} is a tagger. Measure it: zhike evaluate slots --run {name} --data FILE"
        )
    os.environ.update(QUIET)  # before torch is imported
    from finetune.comparison import compare as compared  # torch: seconds

    base = Foundation.of(chosen.models, run.base or chosen.chatbot.generator)
    with tqdm(unit="reply", disable=None) as bar:
        result = compared(
            run, registry.folder(name), base, registry.serving(), limit, lambda *_: bar.update()
        )
    run = registry.compared(name, result)
    if as_json:
        click.echo(json.dumps(result | {"problems": registry.problems(run)}, ensure_ascii=False))
        return
    click.echo(_side_by_side(result))
    for problem in registry.problems(run) or ("Nothing speaks against promoting it.",):
        click.echo(problem)


def _side_by_side(result: dict[str, Any]) -> str:
    """A row a figure, a column a contender."""
    contenders: dict[str, dict[str, float | None]] = result["contenders"]
    lines = [f"{'':16}" + "".join(f"{name:>12}" for name in contenders)]
    for figure in next(iter(contenders.values())):
        values = [column[figure] for column in contenders.values()]
        shown = "".join(f"{'–' if v is None else format(v, '.4g'):>12}" for v in values)
        lines.append(f"{figure:16}{shown}")
    return "\n".join(lines)


@runs.command()
@click.argument("name")
@click.option("--golden", required=True, type=click.Path(path_type=Path), help="JSONL file.")
@click.option("--limit", type=click.IntRange(1), help="Only so many questions, spread evenly.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def gate(name: str, golden: Path, limit: int | None, as_json: bool) -> None:
    """Ask golden questions of run NAME and of what serves now; promote refuses what loses."""
    found = _registry().show(name)
    questions = evaluate.read(golden)
    if limit:
        questions = questions[:: max(1, len(questions) // limit)][:limit]
    with throw_away(None) as app:
        if app.generator:
            app.generator.start()
            app.generator.wait(LOADING_SECONDS)
        verdict = measure(
            app, found, questions, lambda some: tqdm(some, unit="question", disable=None)
        )
    _registry().judge(name, verdict.table())
    if as_json:
        click.echo(json.dumps(verdict.table(), ensure_ascii=False, indent=1))
    else:
        _show_gate(verdict.table())
    if verdict.failed:
        sys.exit(1)


def _show_gate(gate: dict[str, Any]) -> None:
    click.echo(f"\nGate of {gate['at']}, {gate['questions']} golden questions:")
    for title, side in ((gate["serving"], gate["before"]), ("this run", gate["candidate"])):
        shown = (f"{key.replace('_', ' ')} {_percent(value)}" for key, value in side.items())
        click.echo(f"  {title:<24} {', '.join(shown)}")
    for case in gate["lost"]:
        click.echo(f"  lost {case['id']}: {case['question']}")
        click.echo(f"       before: {case['before']}\n       run:    {case['candidate']}")
    for sentence in gate["failed"]:
        click.echo(f"  refused: {sentence}")
    if not gate["failed"]:
        click.echo("  passed")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


@runs.command()
@click.argument("name")
@click.option("--format", "form", type=click.Choice(get_args(Form)), required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def export(name: str, form: Form, out: Path, as_json: bool) -> None:
    """Write the adapter of run NAME for other programs."""
    os.environ.update(QUIET)  # before torch is imported
    chosen, registry = settings.load(), _registry()
    run = registry.show(name)
    made = exported(run, chosen.models, registry.folder(name) / "dataset", form, out)
    if as_json:
        click.echo(json.dumps(asdict(made), default=str, ensure_ascii=False, indent=1))
        return
    click.echo(f"{made.folder}: {made.size / 1e6:.1f} MB")
    if made.agreement is not None:
        click.echo(f"Says the same as the adapter: {made.agreement:.2%} of {made.tokens} tokens.")


@runs.command()
@click.option(
    "--task",
    type=click.Choice(get_args(Task)),
    default="dialogue",
    show_default=True,
    help="What is taken back: the adapter, or the tagger of entities.",
)
def rollback(task: Task) -> None:
    """Take the serving adapter or tagger back; what served before it serves again."""
    before = _registry().rollback(task)
    if before is None and task == "entities":
        click.echo("No tagger serves any more.")
        return
    click.echo(f"{before.name if before else 'The base model'} serves again.")


@runs.command()
def cancel() -> None:
    """Stop the run that is being made."""
    name = cancel_run(settings.load().home)
    click.echo(f"{name} is being stopped." if name else "No run is being made.")


def _result(run: Run) -> str:
    if "report" in run.card:
        return f"span F1 {run.card['report']['f1']:.3f} on held-out texts"
    if run.change is None:
        return run.error or ""
    return f"held-out loss {run.base_loss:.3f} → {run.adapter_loss:.3f} ({run.change * 100:+.1f} %)"


def _plain(run: Run, serves: bool) -> dict[str, Any]:
    """A run for programs; the card is in `show` only."""
    row = {key: value for key, value in asdict(run).items() if key not in ("card", "pid")}
    return row | {"change": run.change, "serves": serves}
