"""DPO (Rafailov et al. 2023) on a LoRA adapter with TRL, from where the adapter stands."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from chatbot.precision import autocast, computing, here
from finetune.config import Preset
from finetune.errors import TrainingError
from finetune.metrics import Metric, Tell
from finetune.preferences import Preference

BETA = 0.1  # how much a nat of log-probability is worth as reward
# Of the rate at which a preset trains on replies: TRL's advice for LoRA is 2e-4 for replies and
# 5e-6 for preferences.
SLOWER = 1 / 40
# Beside the preference the better reply's own likelihood (Pang et al. 2024): DPO alone may lower
# both and only widen the gap.
LIKELIHOOD = 1.0
LEAST_BATCH = 2  # pairs; one alone gives a loss that jumps


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean log-probabilities of pairs, in nats per token of the reply."""

    chosen: float
    rejected: float
    ahead: float  # share of the pairs whose better reply is the likelier one, 0..1


@dataclass(frozen=True, slots=True)
class Rewarded:
    """Pairs before and after, as DPO counts them."""

    before: Measured
    after: Measured
    margin: float  # mean of BETA x (gain of the better - gain of the worse reply), in nats


def required() -> None:
    """Raises TrainingError where TRL is not installed."""
    if find_spec("trl") is None:
        raise TrainingError(
            "Preference training needs TRL, which is not installed. Install it with "
            'pip install --constraint constraints.txt --editable ".[preference]".'
        )


class Watch(TrainerCallback):  # type: ignore[misc]
    """Reports margins as they are logged; ends the training when its time is over."""

    def __init__(self, seconds: float, tell: Tell) -> None:
        self._tell, self._seconds, self._start = tell, seconds, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._start = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if time.monotonic() - self._start > self._seconds:
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" not in (logs or {}):
            return
        if not math.isfinite(logs["loss"]):
            raise TrainingError(
                f"The loss became {logs['loss']} at step {state.global_step}; nothing was learnt. "
                "Use a preset with a lower learning rate."
            )
        elapsed = time.monotonic() - self._start
        left = (state.max_steps - state.global_step) * elapsed / max(state.global_step, 1)
        self._tell(
            Metric(
                "training",
                state.global_step,
                state.max_steps,
                logs["loss"],
                eta_seconds=max(0.0, min(left, self._seconds - elapsed)),
                margin=logs.get("rewards/margins"),
            )
        )


def tune(
    model: Any,
    tokenizer: Any,
    preset: Preset,
    seconds: float,
    train: Sequence[Preference],
    tell: Tell,
    scratch: Path,
) -> None:
    """Train the adapter of `model` in place, for `seconds` at most.

    The reference is a frozen copy of the adapter as it is now, not the base. Raises TrainingError
    when the loss is lost.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class Rendered(DPOTrainer):  # type: ignore[misc]
        """With token ids as serving renders them, so that no template can differ."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    rows = [
        {
            "prompt_ids": list(one.chosen.prompt),
            "chosen_ids": list(one.chosen.ids[-one.chosen.supervised :]),
            "rejected_ids": list(one.rejected.ids[-one.rejected.supervised :]),
        }
        for one in train
    ]
    batch = max(LEAST_BATCH, preset.batch // 2)  # a pair is two sequences
    arguments = DPOConfig(
        output_dir=str(scratch),
        max_steps=max(1, math.ceil(len(rows) / batch * preset.epochs)),
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=preset.accumulate,
        learning_rate=preset.learning_rate * SLOWER,
        warmup_steps=preset.warmup,
        lr_scheduler_type="linear",
        beta=BETA,
        loss_type=["sigmoid", "sft"],
        loss_weights=[1.0, LIKELIHOOD],
        max_length=None,
        max_grad_norm=1.0,
        bf16=computing(here()) is torch.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=preset.seed,
    )
    trainer = Rendered(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[Watch(seconds, tell)],
    )
    for callback in list(trainer.callback_handler.callbacks):  # only ui prints
        if type(callback).__name__ in ("PrinterCallback", "ProgressCallback"):
            trainer.remove_callback(callback)
    try:
        trainer.train()
    finally:
        model.delete_adapter("ref")
        model.set_adapter("default")


def likelihoods(model: Any, pairs: Sequence[Preference]) -> list[tuple[float, float]]:
    """Sum of log-probabilities of the better and the worse reply of each pair, in nats."""
    training, device = model.training, next(model.parameters()).device
    model.eval()
    found = []
    with torch.no_grad(), autocast(device):
        for one in pairs:
            sums = []
            for example in (one.chosen, one.rejected):
                ids = torch.tensor([example.ids], device=device)
                logits = model(input_ids=ids, logits_to_keep=example.supervised + 1).logits
                logs = logits[0, :-1].float().log_softmax(-1)
                wanted = ids[0, -example.supervised :, None]
                sums.append(float(logs.gather(1, wanted).sum()))
            found.append((sums[0], sums[1]))
    model.train(training)
    return found


def rewarded(
    pairs: Sequence[Preference],
    before: Sequence[tuple[float, float]],
    after: Sequence[tuple[float, float]],
) -> Rewarded:
    """What a training did to the pairs, at least one."""
    gains = [(c - c0) - (r - r0) for (c0, r0), (c, r) in zip(before, after, strict=True)]
    return Rewarded(_mean(pairs, before), _mean(pairs, after), BETA * sum(gains) / len(gains))


def _mean(pairs: Sequence[Preference], sums: Sequence[tuple[float, float]]) -> Measured:
    chosen = sum(c for c, _ in sums) / sum(p.chosen.supervised for p in pairs)
    rejected = sum(r for _, r in sums) / sum(p.rejected.supervised for p in pairs)
    each = [
        c / p.chosen.supervised > r / p.rejected.supervised
        for p, (c, r) in zip(pairs, sums, strict=True)
    ]
    return Measured(chosen, rejected, sum(each) / len(each))
