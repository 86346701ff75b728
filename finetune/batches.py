"""Examples as tensors: batches of similar length, and the loss on what is supervised."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import Sampler
from transformers import DynamicCache

from finetune.errors import TrainingError
from finetune.examples import Example

IGNORED = -100  # label of tokens without loss
WINDOW = 16  # batches sorted by length together; more saves little and costs randomness


@dataclass(frozen=True, slots=True)
class Collator:
    """Examples → a batch padded on the LEFT, so that all replies end in the last column.

    The model then computes its vocabulary-sized output for the last columns only
    (`logits_to_keep`), a fifth of the work for a 135M model with 49,152 tokens. What all prompts
    begin with (the rules) is split off and computed once: a quarter of the work of short prompts.
    """

    pad: int  # token id; its positions are masked out of attention
    share: bool = True  # False for models whose layers cannot continue from cached keys

    def __call__(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """int64: shared (1, p); input_ids, position_ids, labels (n, t); attention_mask (n, p + t).

        p is 0 when nothing is shared; a row is `shared` followed by its part of `input_ids`.
        """
        shared = common_prefix(examples) if self.share and len(examples) > 1 else 0
        longest = max(len(example.ids) for example in examples) - shared
        ids = torch.full((len(examples), longest), self.pad)
        mask = torch.zeros_like(ids)
        labels = torch.full_like(ids, IGNORED)
        for row, example in enumerate(examples):
            start = longest - (len(example.ids) - shared)
            ids[row, start:] = torch.tensor(example.ids[shared:])
            mask[row, start:] = 1
            reply = example.ids[-example.supervised :]
            labels[row, longest - example.supervised :] = torch.tensor(reply)
        return {
            "input_ids": ids,
            "attention_mask": torch.cat([torch.ones(len(examples), shared).long(), mask], 1),
            "position_ids": (mask.cumsum(1) - 1).clamp(min=0) + shared,
            "labels": labels,
            "shared": torch.tensor([examples[0].ids[:shared]], dtype=torch.long),
        }


def common_prefix(examples: Sequence[Example]) -> int:
    """Tokens that all prompts begin with; at least one of every prompt is left over."""
    most = min(len(example.prompt) for example in examples) - 1
    first = examples[0].ids
    same = (all(example.ids[at] == first[at] for example in examples) for at in range(most))
    return next((at for at, equal in enumerate(same) if not equal), most)


class Buckets(Sampler):  # type: ignore[misc]
    """Every example once per pass in random order, neighbours of similar length."""

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed, self._passes = lengths, batch, seed, 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """The pass that comes next, from 0: an interrupted run goes on in the middle of one."""
        self._passes = epoch

    def __iter__(self) -> Iterator[int]:
        random_ = random.Random(self._seed * 1_000_003 + self._passes)
        self._passes += 1
        order = list(range(len(self._lengths)))
        random_.shuffle(order)
        window = self._batch * WINDOW
        batches = []
        for start in range(0, len(order), window):
            near = sorted(order[start : start + window], key=lambda i: self._lengths[i])
            batches += [near[i : i + self._batch] for i in range(0, len(near), self._batch)]
        short = [batches.pop()] if len(order) % self._batch else []  # last: it would shift the rest
        random_.shuffle(batches)
        batches += short
        yield from (index for batch in batches for index in batch)


def supervised_loss(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Summed cross-entropy in nats over the supervised tokens, and their number.

    Raises TrainingError when there are none: a loss of 0 would look like success.
    """
    labels = batch["labels"]
    longest = int((labels != IGNORED).sum(1).max())
    if not longest:
        raise TrainingError("A batch has no token to learn from: every label is masked out.")
    out = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        position_ids=batch["position_ids"],
        past_key_values=_continued(model, batch["shared"], len(labels)),
        logits_to_keep=longest + 1,  # the position before a token predicts it
    )
    logits = out.logits[:, :-1].float()
    wanted = labels[:, -longest:]
    total = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]),
        wanted.reshape(-1),
        ignore_index=IGNORED,
        reduction="sum",
    )
    return total, int((wanted != IGNORED).sum())


def _continued(model: Any, shared: torch.Tensor, rows: int) -> DynamicCache | None:
    """Keys and values of the shared beginning for each row; gradients flow through them."""
    if not shared.shape[1]:
        return None
    cache = DynamicCache(config=model.config)
    model(input_ids=shared, past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(rows)
    return cache


def can_share(config: Any) -> bool:
    """Whether every layer attends to all that was before."""
    kinds = getattr(config, "layer_types", None) or ["full_attention"]
    return set(kinds) == {"full_attention"} and not getattr(config, "sliding_window", None)
