"""zhike train: an adapter from the team's own transcripts, or a tagger of its slots."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click
from tqdm import tqdm

from finetune import config
from finetune.metrics import Metric
from finetune.registry import Run
from finetune.tagger_run import ENCODER, Engine, TaggerJob
from finetune.tagger_run import run as tag
from finetune.train import QUIET, run
from ui import settings
from ui.commands.transcripts import map_option
from ui.job import job_of

STAGES = {
    "reading": "Reading and cleaning what is learnt",
    "searching": "Searching the documents for each question",
    "measuring": "Measuring the held-out replies",
    "sampling": "Writing sample replies",
    "saving": "Saving the adapter",
}


@click.command()
@click.option(
    "--transcripts",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File or folder; `zhike transcripts check` tells what is in it. May be repeated.",
)
@click.option(
    "--task",
    type=click.Choice(["dialogue", "entities"]),
    default="dialogue",
    show_default=True,
    help="What is trained: a dialogue adapter, or a tagger that marks spans.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="For entities: CoNLL columns or JSON spans."
)
@click.option(
    "--engine",
    type=click.Choice(get_args(Engine)),
    help="For entities: a CRF, which can serve, or an encoder; by default a CRF without --encoder.",
)
@click.option("--encoder", default="", help=f"For entities: base of that engine; else {ENCODER}.")
@click.option("--preset", type=click.Choice(config.names()), default="smoke", show_default=True)
@click.option("--name", default="", help="Of the run; by default preset, date and number.")
@click.option("--model", default="", help="Base model; by default the one that serves.")
@click.option("--all-languages", is_flag=True, help="Also those that the base does not speak.")
@click.option("--resume", metavar="RUN", default="", help="Continue an interrupted run.")
@click.option(
    "--preference",
    metavar="RUN",
    default="",
    help="Go on from a finished run: learn which replies are better. Needs TRL.",
)
@map_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def train(
    paths: tuple[Path, ...],
    task: str,
    data: Path | None,
    engine: Engine | None,
    encoder: str,
    preset: str,
    name: str,
    model: str,
    all_languages: bool,
    resume: str,
    preference: str,
    mapping: Sequence[tuple[str, str]],
    as_json: bool,
) -> None:
    """Tune the dialogue model on transcripts, or train a tagger of the team's own slots.

    Nothing serves before `zhike runs promote`.

    \b
    zhike train --transcripts samples/transcripts
    zhike train --transcripts export.csv --preset small --name march
    zhike train --resume march
    zhike train --preference march --name april
    zhike train --task entities --data marked.conll
    """
    os.environ.update(QUIET)  # before torch is imported
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    if task == "entities":
        if data is None or paths or resume or preference:
            raise click.UsageError("A tagger is trained with --data FILE, without --transcripts.")
        if engine == "crf" and encoder:
            raise click.UsageError("--encoder is the base of --engine encoder; a CRF has none.")
        engine = engine or ("encoder" if encoder else "crf")
        chosen = settings.load()
        job = TaggerJob(chosen.home, chosen.models, data, engine, encoder or ENCODER, name)
        _entities(job, as_json)
        return
    if [bool(paths), bool(resume), bool(preference)].count(True) != 1:
        raise click.UsageError(
            "Give one of --transcripts, --resume with an interrupted run, and --preference with a "
            "finished one."
        )
    chosen = settings.load()
    dialogue = job_of(
        chosen,
        paths,
        preset=preset,
        name=name,
        model=model,
        all_languages=all_languages,
        mapping=dict(mapping),
        resume=resume,
        preference=preference,
    )
    if as_json:
        click.echo(json.dumps(asdict(run(dialogue)), ensure_ascii=False, indent=1))
        return
    with Terminal() as terminal:
        made = run(dialogue, terminal.tell)
    click.echo(summary(made))


def _entities(job: TaggerJob, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(tag(job)), ensure_ascii=False, indent=1))
        return
    with Terminal() as terminal:
        made = tag(job, terminal.tell)
    data = made.card["dataset"]
    click.echo(f"Run {made.name}: learnt from {data['train']} texts, {data['held_out']} held out.")
    click.echo(report(made.card["report"]))
    if job.engine == "crf":
        click.echo(f"Let it serve: zhike runs promote {made.name}")


def report(scores: dict[str, Any]) -> str:
    """Exact spans by type and over all, as a table of text."""
    rows = [*scores["by_type"].items(), ("all", scores)]
    wide = max(len(name) for name, _ in rows)
    lines = [f"{'':{wide}}  precision  recall      f1  support"]
    for name, row in rows:
        lines.append(
            f"{name:{wide}}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
            f"  {row['support']:7}"
        )
    return "\n".join(lines)


class Terminal:
    """Stages as lines, training as a bar with loss, tokens per second and time left."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def tell(self, metric: Metric) -> None:
        if metric.stage != "training":
            self._close()
            if metric.stage in STAGES:
                click.echo(f"{STAGES[metric.stage]} …", err=True)
            return
        if metric.steps and self._bar is None:
            self._bar = tqdm(total=metric.steps, desc="Training", bar_format=BAR)
        if metric.held_out_loss is not None:
            tqdm.write(f"Held-out loss {metric.held_out_loss:.3f} at step {metric.step}")
        if self._bar is not None:
            left = int(metric.eta_seconds or 0)
            each = metric.tokens_per_second
            speed = f"{each:.0f} tokens/s, " if each else ""
            margin = "" if metric.margin is None else f"margin {metric.margin:.3f}, "
            self._bar.set_postfix_str(
                f"loss {metric.loss or 0:.3f}, {margin}{speed}{left // 60}:{left % 60:02d} left"
            )
            self._bar.update(metric.step - self._bar.n)


BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


def summary(made: Run) -> str:
    """What came of a run and what to do next."""
    data, result = made.card["dataset"], made.card["evaluation"]
    if told := made.card.get("preference"):
        return preferred(made, told)
    lines = [
        f"Run {made.name}: learnt from {data['train']['replies']} replies, measured with "
        f"{result['replies']} of {data['held_out']['conversations']} held-out conversations.",
        f"Held-out loss {made.base_loss:.3f} → {made.adapter_loss:.3f} "
        f"({(made.change or 0) * 100:+.1f} %) in {made.card['seconds']:.0f} s.",
    ]
    if data["bad_rows"]:
        lines.append(f"{data['bad_rows']} rows could not be read: zhike runs show {made.name}")
    lines.append(f"Let it serve: zhike runs promote {made.name}")
    return "\n".join(lines)


def preferred(made: Run, told: dict[str, Any]) -> str:
    """The same of preference training."""
    before, after = told["before"], told["after"]
    return "\n".join(
        [
            f"Run {made.name}: began with {told['start']}, learnt from {told['pairs']['train']} "
            f"pairs of a better and a worse reply; measured with {told['measured_on']} pairs.",
            f"Reward margin {told['margin']:+.4f}; the better reply is the likelier one in "
            f"{before['ahead']:.0%} → {after['ahead']:.0%} of the pairs.",
            f"Held-out loss {told['start_loss']:.3f} → {made.adapter_loss:.3f} "
            f"in {made.card['seconds']:.0f} s.",
            f"Let it serve: zhike runs promote {made.name}",
        ]
    )
