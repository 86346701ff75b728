"""Examples as tensors: batches of similar length, and the loss on what is supervised."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import Sampler

from finetune.examples import Example

IGNORED = -100  # label of tokens without loss
WINDOW = (
    16  # batches that are sorted by length together; more saves little padding, costs randomness
)


@dataclass(frozen=True, slots=True)
class Collator:
    """Examples → a batch padded on the LEFT, so that all replies end in the last column.

    The model then computes its vocabulary-sized output for the last columns only
    (`logits_to_keep`), a fifth of the work for a 135M model with 49,152 tokens.
    """

    pad: int  # token id; its positions are masked out of attention

    def __call__(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """input_ids, attention_mask, position_ids, labels: (len(examples), longest), int64."""
        longest = max(len(example.ids) for example in examples)
        ids = torch.full((len(examples), longest), self.pad)
        mask = torch.zeros_like(ids)
        labels = torch.full_like(ids, IGNORED)
        for row, example in enumerate(examples):
            ids[row, longest - len(example.ids) :] = torch.tensor(example.ids)
            mask[row, longest - len(example.ids) :] = 1
            labels[row, longest - example.supervised :] = torch.tensor(
                example.ids[-example.supervised :]
            )
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": positions,
            "labels": labels,
        }


class Buckets(Sampler):  # type: ignore[misc]
    """Every example once per pass in random order, neighbours of similar length."""

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed, self._passes = lengths, batch, seed, 0

    def __len__(self) -> int:
        return len(self._lengths)

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
    """Summed cross-entropy in nats over the supervised tokens, and their number."""
    labels = batch["labels"]
    longest = int((labels != IGNORED).sum(1).max())
    out = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        position_ids=batch["position_ids"],
        logits_to_keep=longest + 1,  # the position before a token predicts it
        use_cache=False,
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
