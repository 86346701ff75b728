"""One run from transcripts to adapter, readable top to bottom; imports torch, so slowly."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from chatbot.prompt import template_hash
from finetune import (
    checkpoints,
    cleaning,
    dataset,
    documents,
    evaluate,
    examples,
    learning,
    metrics,
    retraction,
    tuning,
)
from finetune.adapter import CARD, Card, halve, save
from finetune.cleaning import Cleaned
from finetune.config import Preset
from finetune.dataset import Dataset
from finetune.documents import Documents
from finetune.evaluate import Evaluation
from finetune.examples import Example
from finetune.foundation import Foundation
from finetune.job import Job
from finetune.lessons import Lessons
from finetune.metrics import Metric
from finetune.registry import Registry
from finetune.transcripts import BadRow, files
from finetune.transcripts.conversation import Conversation
from knowledge.database import Database

SHOWN = 20  # unreadable rows that the card lists
CASES = 5  # replies that contradict the documents, likewise
SAMPLE_SECONDS = 10  # both replies of a sample, 160 tokens on two busy cores
LEAST_SECONDS = 20.0  # of training, however little time is left


class Diary:
    """Metrics of one run: into its folder, and to whoever watches."""

    def __init__(self, folder: Path, tell: tuning.Tell) -> None:
        self._folder, self._tell, self._start = folder, tell, time.monotonic()
        self.speeds: list[float] = []

    def note(self, metric: Metric) -> None:
        if metric.tokens_per_second:
            self.speeds.append(metric.tokens_per_second)
        metric = replace(metric, seconds=round(self.seconds, 1))
        metrics.append(self._folder, metric)
        self._tell(metric)

    def rewind(self, step: int) -> None:
        """Go on from `step` of the training: what came after it is made again."""
        self._start -= metrics.rewind(self._folder, step)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


def make(
    job: Job, name: str, preset: Preset, base: Foundation, registry: Registry, tell: tuning.Tell
) -> None:
    """Make run `name`, which is entered as running, and enter its result. Raises FinetuneError."""
    preset = tuning.shaped(preset, job.start)
    tuning.use_all_cores()
    folder = registry.folder(name)
    diary = Diary(folder, tell)
    tokenizer = tuning.tokenizer_of(base.folder)
    pad = tokenizer.eos_token_id
    saved = checkpoints.read(folder) if job.resume else None
    if saved is not None:
        data = saved.data
        diary.rewind(saved.checkpoint.step if saved.checkpoint else 0)
    else:
        data = _read_in(job, preset, base, tokenizer, folder, diary)

    model = tuning.adapted(base.folder, preset)
    if torch.cuda.is_available():
        model.to("cuda")
    anchor = tuning.begin_with(model, job.start, base, job.finetune.pull) if job.start else None
    measured = data.held_out[: preset.measured]
    plan = saved.plan if saved else _planned(model, measured, pad, preset, diary, bool(job.start))
    if saved is None:
        checkpoints.keep(folder, job, data, plan)
        diary.note(Metric("training", held_out_loss=plan.base_loss))
    tuning.tune(
        model,
        pad,
        preset,
        plan.budget,
        data.train,
        lambda: evaluate.reply_loss(model, measured, pad),
        diary.note,
        folder / checkpoints.FOLDER,
        tuning.Beginning(saved.checkpoint if saved else None, anchor),
    )
    result = _measured(model, tokenizer, measured, plan.base_loss, preset, diary)

    diary.note(Metric("saving"))
    card = Card(name, base.name, base.sha256, template_hash(tokenizer), data.sha256)
    sha256 = save(model, card, folder)
    with opened_database(job.home) as database:
        shown = retraction.settle(database, registry, name)
    result = replace(result, samples=tuple(s for s in result.samples if s.question in shown))
    written = described(preset, data.card, result, diary) | _began_with(job.start, plan.start_loss)
    losses = plan.base_loss, result.adapter_loss
    registry.finish(name, data.sha256, losses, sha256, written)
    checkpoints.drop(folder)
    diary.note(Metric("done", held_out_loss=result.adapter_loss))


def _read_in(
    job: Job, preset: Preset, base: Foundation, tokenizer: Any, folder: Path, diary: Diary
) -> Dataset:
    """What is learnt, written into the run's folder."""
    diary.note(Metric("reading"))
    with documents.opened(job.home, job.models, job.knowledge) as found:
        if found:
            diary.note(Metric("searching"))
        data = prepared(job, preset, base, tokenizer, found)
    dataset.write(data, folder / "dataset")
    return data


def _measured(
    model: Any,
    tokenizer: Any,
    measured: Sequence[Example],
    base_loss: float,
    preset: Preset,
    diary: Diary,
) -> Evaluation:
    """The adapter as it will be saved, beside its base."""
    diary.note(Metric("measuring"))
    halve(model)
    loss = evaluate.reply_loss(model, measured, tokenizer.eos_token_id)
    diary.note(Metric("sampling", held_out_loss=loss))
    samples = evaluate.samples(model, tokenizer, measured[: preset.samples])
    return Evaluation(base_loss, loss, len(measured), samples)


def _began_with(start: str, loss: float | None) -> dict[str, Any]:
    """For the card: the adapter with which a run began, and its loss on the held-out replies."""
    if not start:
        return {}
    card = json.loads((Path(start) / CARD).read_text("utf-8"))
    return {"began_with": {"name": card["name"], "loss": loss}}


def _planned(
    model: Any, measured: Sequence[Example], pad: int, preset: Preset, diary: Diary, started: bool
) -> checkpoints.Plan:
    """The base's loss, that of the adapter with which it `started`, and how long may be trained."""
    diary.note(Metric("measuring"))
    before = diary.seconds
    with model.disable_adapter():
        base_loss = evaluate.reply_loss(model, measured, pad)
    start_loss = evaluate.reply_loss(model, measured, pad) if started else None
    # The end takes as long again, and some for each sample and for saving.
    reserved = (diary.seconds - before) * 1.2 + SAMPLE_SECONDS * preset.samples + 5
    left = preset.max_minutes * 60 - diary.seconds - reserved
    return checkpoints.Plan(base_loss, max(left, LEAST_SECONDS), start_loss)


def prepared(
    job: Job, preset: Preset, base: Foundation, tokenizer: Any, known: Documents | None
) -> Dataset:
    """Transcripts → cleaned, split and encoded examples, compared with the documents `known`.

    Raises TranscriptError, DatasetError.
    """
    bad: list[BadRow] = []
    languages = None if job.all_languages else base.languages
    if job.lessons:
        talks = lessons(job)
        cleaned = cleaning.cleaned_lessons(job.home, talks, languages, job.finetune, known)
    else:
        cleaned = cleaning.cleaned(
            job.home,
            job.transcripts,
            languages,
            job.finetune,
            bad.append,
            job.mapping,
            documents=known,
        )
    split = dataset.split(cleaned.pairs, by=job.finetune.split)
    search = known.search if known else None
    sides = [
        examples.encode(side, tokenizer, search, preset.passages, preset.max_tokens)
        for side in (split.train, split.held_out)
    ]
    encoding = replace(
        sides[0][1],
        kept=sum(step.kept for _, step in sides),
        removed=sum(step.removed for _, step in sides),
    )
    held_out = [example for example in sides[1][0] if not example.abstains]
    sources = () if job.lessons else files(job.transcripts)
    data = dataset.build(sides[0][0], held_out, (*cleaned.funnel, encoding), sources)
    unanswerable = tuple(example for example in sides[1][0] if example.abstains)
    data = replace(
        data, unanswerable=unanswerable, dropped=cleaned.dropped, rejected=cleaned.rejected
    )
    data.card["leaks_moved_to_train"] = split.leaks
    data.card["contradicting"] = _contradicting(cleaned)
    data.card["bad_rows"] = len(bad)
    data.card["first_bad_rows"] = [asdict(row) for row in bad[:SHOWN]]
    return data


def _contradicting(cleaned: Cleaned) -> dict[str, Any]:
    """For the card: how many replies the documents contradict, of those that could be compared.

    Without their texts, which stand in dropped.jsonl alone: what is taken back must leave all.
    """
    rows = [row for row in cleaned.dropped if row.code == "contradicts"]
    cases = [{"id": row.id, "note": row.note} for row in rows[:CASES]]
    return {"compared": cleaned.compared, "dropped": len(rows), "cases": cases}


def lessons(job: Job) -> tuple[Conversation, ...]:
    """What the team accepted, and the replay."""
    with opened_database(job.home) as database:
        registry = Registry(database, job.home)
        return learning.course(Lessons(database), registry, job.replay).conversations


@contextmanager
def opened_database(home: Path) -> Iterator[Database]:
    """The home's database, closed at the end."""
    database = Database(home / "zhike.db")
    try:
        yield database
    finally:
        database.close()


def described(
    preset: Preset, data: dict[str, Any], result: Evaluation, diary: Diary
) -> dict[str, Any]:
    """The card of a finished run; `data`: the card of its dataset."""
    speeds = sorted(diary.speeds)
    return {
        "preset": asdict(preset),
        "dataset": data,
        "evaluation": asdict(result) | {"change": result.change, "stop_rate": result.stop_rate},
        "seconds": round(diary.seconds, 1),
        "tokens_per_second": round(speeds[len(speeds) // 2]) if speeds else None,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")}
        | {"python": platform.python_version()},
    }
