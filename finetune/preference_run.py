"""One run of preference training: a finished run's adapter learns which replies are better."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from chatbot.prompt import template_hash
from chatbot.store import Store
from finetune import documents, evaluate, preference_tuning, preferences, retraction, tuning
from finetune.adapter import Card, halve, save
from finetune.comparison import read
from finetune.config import Preset
from finetune.errors import DatasetError, TrainingError
from finetune.evaluate import Evaluation
from finetune.examples import Example
from finetune.foundation import Foundation
from finetune.job import Job
from finetune.metrics import Metric
from finetune.preferences import Preference, Preferences
from finetune.recipe import Diary, described, opened_database
from finetune.registry import Registry, Run

# What the adapter learnt before and is measured with: taking a conversation back finds it here too.
KEPT = ("train", "held_out", "unanswerable", "dropped")
FOLDER = "scratch"


def beginning(registry: Registry, name: str, base: Foundation) -> Run:
    """The run that it begins with. Raises UnknownRun, TrainingError."""
    run = registry.show(name)
    if run.state != "done" or run.path is None or run.task != "dialogue":
        raise TrainingError(f"Run {name} is no finished dialogue adapter to begin with.")
    if run.base_sha256 != base.sha256:
        raise TrainingError(
            f"Run {name} was made for another base ({run.base}). Set the model that it belongs to."
        )
    if taken := run.card.get("retracted"):
        raise TrainingError(
            f"Run {name} learnt from {len(taken)} conversations that were taken back. Train again."
        )
    return run


def make(
    job: Job, name: str, preset: Preset, base: Foundation, registry: Registry, tell: tuning.Tell
) -> None:
    """Make run `name`, which is entered as running, and enter its result. Raises FinetuneError."""
    start = beginning(registry, job.preference, base)
    assert start.path is not None
    preset = tuning.shaped(preset, start.path)
    tuning.use_all_cores()
    folder = registry.folder(name)
    diary = Diary(folder, tell)
    tokenizer = tuning.tokenizer_of(base.folder)
    pad = tokenizer.eos_token_id
    diary.note(Metric("reading"))
    found = _collected(job, preset, tokenizer, registry.folder(start.name) / "dataset", diary)
    held_out = _inherited(registry.folder(start.name), folder)[: preset.measured]
    preferences.write(found, folder / "dataset")

    model = tuning.adapted(base.folder, preset)
    if torch.cuda.is_available():
        model.to("cuda")
    tuning.begin_with(model, start.path, base, 0.0)
    diary.note(Metric("measuring"))
    pairs = found.held_out or found.train
    with model.disable_adapter():
        base_loss = evaluate.reply_loss(model, held_out, pad)
    start_loss = evaluate.reply_loss(model, held_out, pad)
    before = preference_tuning.likelihoods(model, pairs)
    diary.note(Metric("training", held_out_loss=start_loss))
    seconds = max(preset.max_minutes * 60 - 2 * diary.seconds, 20.0)
    scratch = folder / FOLDER
    preference_tuning.tune(model, tokenizer, preset, seconds, found.train, diary.note, scratch)
    shutil.rmtree(scratch, ignore_errors=True)

    diary.note(Metric("measuring"))
    halve(model)
    loss = evaluate.reply_loss(model, held_out, pad)
    after = preference_tuning.likelihoods(model, pairs)
    diary.note(Metric("sampling", held_out_loss=loss))
    samples = evaluate.samples(model, tokenizer, held_out[: preset.samples])
    told = {
        "start": start.name,
        "start_loss": start_loss,
        "pairs": {"train": len(found.train), "held_out": len(found.held_out)},
        "measured_on": "held out" if found.held_out else "train",
        "counts": found.counts,
        "tokens": _lengths(found.train),
        **asdict(preference_tuning.rewarded(pairs, before, after)),
    }
    diary.note(Metric("saving"))
    data = _data_card(start, found)
    card = Card(name, base.name, base.sha256, template_hash(tokenizer), data["sha256"])
    sha256 = save(model, card, folder)
    with opened_database(job.home) as database:
        shown = retraction.settle(database, registry, name)
    samples = tuple(sample for sample in samples if sample.question in shown)
    result = Evaluation(base_loss, loss, len(held_out), samples)
    written = described(preset, data, result, diary) | {"preference": told}
    registry.finish(name, data["sha256"], (base_loss, loss), sha256, written)
    diary.note(Metric("done", held_out_loss=loss))


def _collected(
    job: Job, preset: Preset, tokenizer: Any, dataset: Path, diary: Diary
) -> Preferences:
    """From the run's runner-ups, the corrected complaints and the edited suggestions."""
    with documents.opened(job.home, job.models, job.knowledge) as known:
        if known:
            diary.note(Metric("searching"))
        with opened_database(job.home) as database:
            Store(database)  # its tables come first
            sources = {
                "runner-ups": preferences.runners_up(dataset),
                "corrected": preferences.corrected(database),
                "edited": preferences.edited(database),
            }
        return preferences.collect(sources, tokenizer, known, preset.passages, preset.max_tokens)


def _inherited(start: Path, run: Path) -> list[Example]:
    """What the adapter learnt before, copied; returns the held-out replies. Raises DatasetError."""
    (run / "dataset").mkdir(parents=True)
    for name in KEPT:
        source = start / "dataset" / f"{name}.jsonl"
        if source.exists():
            shutil.copyfile(source, run / "dataset" / source.name)
    held_out = read(run / "dataset" / "held_out.jsonl")
    if not held_out:
        raise DatasetError(
            f"Run {start.name} kept no held-out replies that can be measured again. Train it again."
        )
    return held_out


def _lengths(pairs: Sequence[Preference]) -> dict[str, float]:
    """Mean supervised tokens of both sides."""
    return {
        "chosen": sum(p.chosen.supervised for p in pairs) / len(pairs),
        "rejected": sum(p.rejected.supervised for p in pairs) / len(pairs),
    }


def _data_card(start: Run, found: Preferences) -> dict[str, Any]:
    """The data of the run that it began with, and the pairs."""
    digest = hashlib.sha256(str(start.dataset_sha256).encode())
    for one in (*found.train, *found.held_out):
        digest.update(json.dumps([one.chosen.ids, one.rejected.ids]).encode())
    return {**start.card["dataset"], "sha256": digest.hexdigest()}
