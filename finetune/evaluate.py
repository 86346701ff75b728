"""Base against adapter on held-out conversations: reply loss, stopping, written-out replies."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from chatbot.precision import autocast
from finetune.batches import Collator, can_share, supervised_loss
from finetune.examples import Example

BATCH = 4  # replies at a time; more would only add padding on a processor
SAMPLE_TOKENS = 80  # of a written-out reply; p99 of a support reply is below


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out question with three replies."""

    question: str
    agent: str  # what the person wrote
    base: str
    adapter: str
    base_stopped: bool  # ended by itself within 80 tokens
    adapter_stopped: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How an adapter compares with its base on replies that neither has seen."""

    base_loss: float  # nats per supervised token, lower is better
    adapter_loss: float
    replies: int
    samples: tuple[Sample, ...]

    @property
    def change(self) -> float:
        """Relative, e.g. -0.25: a quarter lower than the base."""
        return self.adapter_loss / self.base_loss - 1

    @property
    def stop_rate(self) -> float | None:
        """Share of the adapter's samples that end by themselves, 0..1; None without samples."""
        stopped = [sample.adapter_stopped for sample in self.samples]
        return sum(stopped) / len(stopped) if stopped else None


def reply_loss(model: Any, examples: Sequence[Example], pad: int) -> float:
    """Mean nats per supervised token of `examples`, at least one; dropout off."""
    collate, total, count = Collator(pad, can_share(model.config)), 0.0, 0
    training, device = model.training, next(model.parameters()).device
    model.eval()
    by_length = sorted(examples, key=lambda example: len(example.ids))
    with torch.no_grad(), autocast(device):
        for start in range(0, len(by_length), BATCH):
            batch = collate(by_length[start : start + BATCH])
            loss, tokens = supervised_loss(model, {k: v.to(device) for k, v in batch.items()})
            total, count = total + loss.item(), count + tokens
    model.train(training)
    return total / count


def samples(model: Any, tokenizer: Any, examples: Sequence[Example]) -> tuple[Sample, ...]:
    """Greedy replies of base and adapter to the prompts of `examples`."""
    model.eval()
    found = []
    for example in examples:
        with model.disable_adapter():
            base, base_stopped = reply(model, tokenizer, example)
        tuned, stopped = reply(model, tokenizer, example)
        pair = example.pair
        found.append(Sample(pair.question, pair.reply, base, tuned, base_stopped, stopped))
    return tuple(found)


def reply(model: Any, tokenizer: Any, example: Example) -> tuple[str, bool]:
    """The greedy reply to the example's prompt, and whether it ended by itself."""
    device = next(model.parameters()).device
    prompt = torch.tensor([example.prompt], device=device)
    with torch.no_grad(), autocast(device) if device.type == "cuda" else nullcontext():
        ids = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=SAMPLE_TOKENS,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )[0, prompt.shape[1] :]
    stopped = bool(len(ids)) and int(ids[-1]) == tokenizer.eos_token_id
    return tokenizer.decode(ids, skip_special_tokens=True).strip(), stopped
