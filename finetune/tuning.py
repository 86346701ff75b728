"""LoRA on a causal language model with transformers' Trainer."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback
from transformers import TrainingArguments as Arguments
from transformers.utils.logging import disable_progress_bar

from chatbot.precision import computing, here
from finetune.adapter import CARD
from finetune.batches import Buckets, Collator, can_share, supervised_loss
from finetune.checkpoints import KEPT, Checkpoint, whole
from finetune.config import Preset
from finetune.errors import TrainingError
from finetune.examples import Example
from finetune.foundation import Foundation
from finetune.metrics import Metric

Tell = Callable[[Metric], None]


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer of a local model; its files are data, code in them is never run."""
    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def use_all_cores() -> None:
    """Compute on every core that this process may use."""
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


def adapted(folder: Path, preset: Preset) -> Any:
    """The frozen base with a fresh float32 adapter, which changes nothing yet."""
    torch.manual_seed(preset.seed)
    disable_progress_bar()  # only ui draws
    base = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=computing(here()),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    lora = LoraConfig(
        r=preset.rank,
        lora_alpha=preset.alpha,
        lora_dropout=preset.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, lora)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where an adapter began, and how much moving away from there costs (L2-SP, Li et al. 2018)."""

    weight: float
    beginning: Mapping[str, torch.Tensor]  # by name of the parameter

    def pull(self, model: Any) -> torch.Tensor:
        """The cost: weight times the squared distance."""
        moved = (
            (parameter - self.beginning[name]).square().sum()
            for name, parameter in model.named_parameters()
            if name in self.beginning
        )
        return self.weight * torch.stack(list(moved)).sum()


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a training does not begin with a fresh adapter."""

    checkpoint: Checkpoint | None = None  # of an interrupted run, which goes on from there
    anchor: Anchor | None = None  # of the adapter with which it began


def shaped(preset: Preset, start: str) -> Preset:
    """The preset with the rank of the adapter that it begins with. Raises TrainingError."""
    if not start:
        return preset
    try:
        config = json.loads((Path(start) / "adapter_config.json").read_text("utf-8"))
        return replace(preset, rank=int(config["r"]), alpha=int(config["lora_alpha"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{start}: the adapter cannot be read ({error}).") from error


def begin_with(model: Any, start: str, base: Foundation, pull: float) -> Anchor | None:
    """Give the fresh adapter of `model` the weights in folder `start`; what pulls it back there.

    Raises TrainingError when they belong to another base.
    """
    folder = Path(start)
    card = json.loads((folder / CARD).read_text("utf-8"))
    if card["base_sha256"] != base.sha256:
        raise TrainingError(
            f"The adapter {card['name']} was made for another base ({card['base']}). Train with "
            "`zhike train`, or set the model that it belongs to."
        )
    state = load_file(folder / "adapter_model.safetensors")
    loaded = set_peft_model_state_dict(model, state)
    if loaded.unexpected_keys:
        raise TrainingError(f"{start}: the adapter has other layers than its base.")
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    table = dict(model.named_parameters())
    beginning = {name: table[name].detach().clone() for name in names}
    return Anchor(pull, beginning) if pull else None


def tune(
    model: Any,
    pad: int,
    preset: Preset,
    seconds: float,
    train: Sequence[Example],
    measure: Callable[[], float],
    tell: Tell,
    scratch: Path,
    begin: Beginning | None = None,
) -> None:
    """Train the adapter of `model` in place, for `seconds` at most; checkpoints go to `scratch`.

    Raises TrainingError when the loss is lost.
    """
    steps = max(1, math.ceil(len(train) / (preset.batch * preset.accumulate) * preset.epochs))
    progress = Progress(preset, steps, seconds, measure, tell)
    arguments = arguments_of(preset, steps, scratch)
    checkpoint, anchor = (begin.checkpoint, begin.anchor) if begin else (None, None)
    trainer = Tuner(progress, pad, anchor, model=model, args=arguments, train_dataset=list(train))
    trainer.remove_callback_of_printing()
    trainer.add_callback(progress)
    if checkpoint is not None:
        progress.go_on(checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint.folder) if checkpoint else None)


def arguments_of(
    preset: Preset, steps: int, scratch: Path, *, bf16: bool | None = None
) -> Arguments:
    """How transformers' Trainer runs `preset`; nothing is printed or sent anywhere.

    `bf16`: None is as the device computes it.
    """
    if bf16 is None:
        bf16 = computing(here()) is torch.bfloat16
    return Arguments(
        output_dir=str(scratch),
        max_steps=steps,
        per_device_train_batch_size=preset.batch,
        gradient_accumulation_steps=preset.accumulate,
        learning_rate=preset.learning_rate,
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=1,
        logging_nan_inf_filter=False,  # a lost loss must be seen, see Progress
        save_strategy="no",  # by the clock, see Progress
        save_total_limit=KEPT,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=preset.seed,
    )


class Progress(TrainerCallback):  # type: ignore[misc]
    """Clock of a run: how far it is, when it ends, and what it reports."""

    def __init__(
        self,
        preset: Preset,
        steps: int,
        seconds: float,
        measure: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._preset, self._steps, self._measure, self._tell = preset, steps, measure, tell
        self._budget = seconds
        self._every = max(1, math.ceil(steps * preset.measure_every))
        self._start = time.monotonic()
        self._before = 0.0  # seconds trained before an interruption
        self._saved = self._start
        self._measuring = 0.0  # seconds spent in held-out losses, not training
        self._recent: list[tuple[float, int]] = []  # (clock, tokens) of the last steps
        self.tokens = 0  # real tokens seen

    @property
    def _elapsed(self) -> float:
        return self._before + time.monotonic() - self._start - self._measuring

    def go_on(self, checkpoint: Checkpoint) -> None:
        """Count on from a checkpoint."""
        self._before, self.tokens = checkpoint.elapsed, checkpoint.tokens

    def done(self, step: int) -> float:
        """0..1: of the steps, or of the time when it is more than a step ahead of them.

        So a run that has time enough does not depend on the clock and can be made again.
        """
        return max(step / self._steps, self._elapsed / self._budget - 1 / self._steps)

    def factor(self, step: int) -> float:
        """Of the learning rate: up during the warm-up, then straight down to zero at the end.

        Time counts like steps, so a busy machine that gets through half of them still ends
        with a small rate.
        """
        warm = min(1.0, (step + 1) / max(1, math.ceil(self._steps * self._preset.warmup)))
        return warm * max(0.0, 1 - self.done(step))

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._start = self._saved = time.monotonic()
        self._recent = [(self._elapsed, self.tokens)]

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._recent = [*self._recent[-10:], (self._elapsed, self.tokens)]
        if self._elapsed > self._budget:
            control.should_training_stop = True
        if time.monotonic() - self._saved >= self._preset.save_seconds:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        whole(folder, self._elapsed, self.tokens)
        self._saved = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" not in (logs or {}):
            return
        loss, step = logs["loss"], state.global_step
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {step}; nothing was learnt. "
                "Use a preset with a lower learning rate."
            )
        held_out = self._held_out(step)
        self._tell(
            Metric(
                "training",
                step,
                self._steps,
                loss,
                self._speed(),
                self._remaining(step),
                held_out,
            )
        )

    def _held_out(self, step: int) -> float | None:
        if step % self._every or step >= self._steps:
            return None  # the end is measured by the run itself
        start = time.monotonic()
        loss = self._measure()
        self._measuring += time.monotonic() - start
        return loss

    def _speed(self) -> float | None:
        (start, before), (end, after) = self._recent[0], self._recent[-1]
        return (after - before) / (end - start) if end > start else None

    def _remaining(self, step: int) -> float:
        each = self._elapsed / max(step, 1)
        return max(0.0, min((self._steps - step) * each, self._budget - self._elapsed))


class Tuner(Trainer):  # type: ignore[misc]
    """Trainer with length buckets, loss on replies only and a learning rate that heeds time."""

    loss_is_scaled_for_ga = True  # divided by the supervised tokens of all accumulated batches

    def __init__(
        self, progress: Progress, pad: int, anchor: Anchor | None = None, **keywords: Any
    ) -> None:
        config = keywords["model"].config
        super().__init__(data_collator=Collator(pad, can_share(config)), **keywords)
        self._progress, self._anchor = progress, anchor

    def remove_callback_of_printing(self) -> None:
        """Only ui prints."""
        for callback in list(self.callback_handler.callbacks):
            if type(callback).__name__ in ("PrinterCallback", "ProgressCallback"):
                self.remove_callback(callback)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        lengths = [len(example.ids) for example in self.train_dataset]
        return Buckets(lengths, self.args.per_device_train_batch_size, self.args.seed)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer or self.optimizer, self._progress.factor
        )
        return self.lr_scheduler

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        self._progress.tokens += int(inputs["attention_mask"].sum())
        total, count = supervised_loss(model, inputs)
        loss = total / (count if num_items_in_batch is None else num_items_in_batch)
        if self._anchor is None:
            return loss
        return loss + self._anchor.pull(model) / self.args.gradient_accumulation_steps
