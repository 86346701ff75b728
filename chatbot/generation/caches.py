"""Keys and values of tokens that were read: with room to grow, side by side, kept for later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 64  # tokens for which a layer makes room at a time
# Prompts are read in steps that end at multiples of this, and only whole steps are kept: what is
# then computed has the same shapes with a kept beginning as without, so the reply is the same.
STEP = 256
KEPT = 192 * 2**20  # bytes of all kept beginnings: 4,300 tokens of the packaged model in float32

Tensors = tuple[torch.Tensor, torch.Tensor]  # keys, values: (rows, heads, tokens, size)


class Roomy(DynamicLayer):  # type: ignore[misc]
    """A layer that is written in place; DynamicLayer copies everything for each token."""

    keys: torch.Tensor
    values: torch.Tensor
    _store: Tensors | None = None

    def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> Tensors:
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        start = self.get_seq_length()
        end = start + keys.shape[-2]
        if self._store is None or self._store[0].shape[-2] < end:
            old = (self.keys, self.values) if start else (keys[..., :0, :], values[..., :0, :])
            self._store = _widened(old[0], end + ROOM), _widened(old[1], end + ROOM)
        for store, new in zip(self._store, (keys, values), strict=True):
            store[..., start:end, :] = new
        self.keys, self.values = (store[..., :end, :] for store in self._store)
        return self.keys, self.values

    def fill(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Hold exactly these."""
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self.keys, self.values, self._store = keys, values, None


def _widened(tensor: torch.Tensor, tokens: int) -> torch.Tensor:
    store = tensor.new_empty((*tensor.shape[:-2], tokens, tensor.shape[-1]))
    store[..., : tensor.shape[-2], :] = tensor
    return store


def empty(config: Any) -> tuple[Cache, bool]:
    """A cache for one prompt, and whether it may be cut and laid beside others.

    It may where every layer attends to everything before it; one with a window may not.
    """
    plain = DynamicCache(config=config)
    if plain.layers and all(type(layer) is DynamicLayer for layer in plain.layers):
        return Cache(layers=[Roomy() for _ in plain.layers]), True
    return plain, False


def cut(cache: Cache, tokens: int) -> tuple[Tensors, ...]:
    """Copies of the first `tokens` of every layer."""
    return tuple(
        (layer.keys[..., :tokens, :].clone(), layer.values[..., :tokens, :].clone())
        for layer in cache.layers
    )


def fill(cache: Cache, kept: Sequence[Tensors]) -> None:
    """Begin an empty cache with what `cut` gave."""
    for layer, (keys, values) in zip(cache.layers, kept, strict=True):
        layer.fill(keys, values)


def join(cache: Cache, other: Cache) -> None:
    """Lay the rows of `other` under those of `cache`, ends in line; the shorter gets zeros."""
    for layer, new in zip(cache.layers, other.layers, strict=True):
        width = max(layer.keys.shape[-2], new.keys.shape[-2])
        layer.fill(
            torch.cat([_padded(layer.keys, width), _padded(new.keys, width)]),
            torch.cat([_padded(layer.values, width), _padded(new.values, width)]),
        )


def select(cache: Cache, rows: Sequence[int], width: int) -> None:
    """Keep these rows, and of each the last `width` tokens."""
    for layer in cache.layers:
        chosen = torch.tensor(rows, device=layer.keys.device)
        layer.fill(
            *(t.index_select(0, chosen)[..., -width:, :] for t in (layer.keys, layer.values))
        )


def _padded(tensor: torch.Tensor, width: int) -> torch.Tensor:
    missing = width - tensor.shape[-2]
    return torch.nn.functional.pad(tensor, (0, 0, missing, 0)) if missing else tensor


class Beginnings:
    """What was read of earlier prompts, for the next that begins alike; least used goes first."""

    def __init__(self, room: int = KEPT) -> None:
        """`room` in bytes."""
        self._room = room
        self._kept: dict[tuple[object, tuple[int, ...]], tuple[Tensors, ...]] = {}

    def longest(self, adapter: object, prompt: Sequence[int]) -> tuple[int, tuple[Tensors, ...]]:
        """How many tokens of `prompt` are known, whole steps and never all of it, and what."""
        best, found = 0, None
        for key in self._kept:
            known = _common(key[1], prompt) if key[0] == adapter else 0
            known = min(known, len(prompt) - 1) // STEP * STEP
            if known > best:
                best, found = known, key
        if found is None:
            return 0, ()
        self._kept[found] = layers = self._kept.pop(found)  # most recently used is last
        return best, tuple((k[..., :best, :], v[..., :best, :]) for k, v in layers)

    def keep(self, adapter: object, prompt: Sequence[int], cache: Cache) -> None:
        """Remember the whole steps of a prompt that was read."""
        whole = tuple(prompt[: len(prompt) // STEP * STEP])
        if not whole:
            return
        for key in [k for k in self._kept if k[0] == adapter and k[1] == whole[: len(k[1])]]:
            del self._kept[key]
        self._kept[adapter, whole] = cut(cache, len(whole))
        while sum(map(_bytes, self._kept.values())) > self._room:
            del self._kept[next(iter(self._kept))]


def _bytes(layers: Sequence[Tensors]) -> int:
    return sum(tensor.nbytes for layer in layers for tensor in layer)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
