"""In which numbers a causal model computes on a device; the same to serve and to train."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch


def computing(device: torch.device | str) -> torch.dtype:
    """bfloat16 where the device has instructions for it, else float32.

    A processor with AVX2 alone emulates bfloat16: it reads a prompt 5 times as slowly as in
    float32 (benchmarks/generation.py), and trains as slowly, for half the memory.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.bfloat16 if able else torch.float32


def autocast(device: torch.device | str) -> Any:
    """bfloat16 for what gains by it, on a device that computes it; nothing on another."""
    dtype = computing(device)
    if dtype is torch.float32:
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=dtype)


def here() -> torch.device:
    """The GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
