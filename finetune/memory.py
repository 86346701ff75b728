"""How much memory a run takes at its peak, estimated from the shapes of its base model."""

from __future__ import annotations

import os
from pathlib import Path

from safetensors import safe_open

from finetune.config import Preset
from finetune.errors import TrainingError

GIB = 2**30
# Measured with the packaged 135M model on a processor, whole batches of the longest prompts:
# 1.5 GB for 2 × 240 tokens, 3.5 GB for 4 × 480, 11.0 GB for 8 × 640 with dropout.
PROCESS = 450 * 2**20  # bytes: Python with torch and transformers
ADAPTED = 16  # bytes of an adapter's weight: itself, its gradient, two moments of Adam, float32
ACTIVE = 4.4  # bytes that the backward pass keeps per token for each input and output of a layer
DROPPED = 4  # bytes more per token and input with dropout
LOGIT = 14  # bytes per supervised token and word of the vocabulary
REPLY = 256  # tokens of a reply, at most
OUTSIDE = ("embed", "lm_head", "wte", "wpe")  # weights that LoRA on all linear layers leaves out


def needed(folder: Path, preset: Preset, *, gpu: bool = False, weight: int = 2) -> int:
    """Bytes at the peak of a run on the base model in `folder`; on a GPU, those on it.

    `weight`: bytes of a frozen weight, 2 in bfloat16 and 4 in float32.
    """
    shapes = _shapes(folder)
    linear = [
        shape
        for name, shape in shapes.items()
        if len(shape) == 2 and not any(part in name for part in OUTSIDE)
    ]
    outputs, inputs = (sum(shape[side] for shape in linear) for side in (0, 1))
    vocabulary = max((shape[0] for n, shape in shapes.items() if "embed" in n), default=0)
    tokens = preset.batch * preset.max_tokens * weight / 2  # ACTIVE and DROPPED are of bfloat16
    replies = preset.batch * min(REPLY, preset.max_tokens // 2)
    return int(
        (0 if gpu else PROCESS)
        + weight * sum(_product(shape) for shape in shapes.values())
        + ADAPTED * preset.rank * (inputs + outputs)
        + tokens * (ACTIVE * (inputs + outputs) + (DROPPED * inputs if preset.dropout else 0))
        + LOGIT * replies * vocabulary
    )


def free(*, gpu: bool = False) -> int | None:
    """Bytes that a new process may take, of the GPU or of this machine; None when not known."""
    if gpu:
        import torch  # slow, and only where there is a GPU

        return int(torch.cuda.mem_get_info()[0])
    found = [value for value in (_machine(), _container()) if value is not None]
    return min(found, default=None)


def weight_bytes() -> int:
    """Of a frozen weight as this machine trains."""
    from chatbot.precision import computing, here  # torch: slow to import

    return int(computing(here()).itemsize)


def check(folder: Path, preset: Preset, *, gpu: bool = False) -> None:
    """Raise TrainingError when a run on the base in `folder` would not fit."""
    wanted, room = needed(folder, preset, gpu=gpu, weight=weight_bytes()), free(gpu=gpu)
    if room is not None and wanted > room:
        raise TrainingError(
            f"Preset {preset.name} on this base needs about {wanted / GIB:.1f} GiB of "
            f"{'GPU ' if gpu else ''}memory, but {room / GIB:.1f} GiB are free. Choose a smaller "
            "preset or base, or close other programs."
        )


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape of every weight, from the headers alone."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118 (not a dict)
                found[name] = tuple(file.get_slice(name).get_shape())
    return found


def weights(folder: Path) -> int:
    """How many numbers the base model in `folder` has."""
    return sum(map(_product, _shapes(folder).values()))


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(s.split()[1]) * 1024 for s in lines if s.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _container() -> int | None:
    """What the limit of a container (cgroup v2) leaves."""
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text("ascii").strip()
        used = int((group / "memory.current").read_text("ascii"))
        files = dict(s.split() for s in (group / "memory.stat").read_text("ascii").splitlines())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) - used + int(files.get("inactive_file", 0))
