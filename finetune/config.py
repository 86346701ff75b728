"""How a run trains: the presets, and the one that a person asked for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

from finetune.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Preset:
    """The numbers of a run. LoRA on all linear layers; alpha / rank scales the adapter."""

    name: str
    epochs: float  # passes over the data
    max_minutes: float  # of the whole run; training is cut short so that measuring still fits
    batch: int  # replies per step
    max_tokens: int  # of prompt and reply together
    passages: int  # at most, in a prompt
    rank: int
    alpha: int
    dropout: float  # 0..1
    learning_rate: float  # highest, after the warm-up
    warmup: float  # share of the steps
    measured: int  # held-out replies in the loss, at most
    measure_every: float  # share of the run between two live held-out losses; 1 = only at the end
    samples: int  # held-out replies written out by base and adapter
    accumulate: int = 1  # batches whose gradients make one step
    save_seconds: float = 60.0  # between two checkpoints that a killed run continues from
    seed: int = 1


def names() -> tuple[str, ...]:
    """The packaged presets, quickest first."""
    found = sorted(map(load, _files()), key=lambda preset: preset.max_minutes)
    return tuple(preset.name for preset in found)


def load(name: str) -> Preset:
    """A packaged preset. Raises TrainingError naming the known ones."""
    known = _files()
    if name not in known:
        raise TrainingError(f"There is no preset {name!r}. Known: {', '.join(sorted(known))}.")
    table = tomllib.loads(known[name])
    unknown = table.keys() - {field.name for field in fields(Preset)}
    if unknown:
        raise TrainingError(f"Preset {name}: unknown key {min(unknown)!r}.")
    return Preset(name=name, **table)


def _files() -> dict[str, str]:
    """Preset name → TOML text."""
    folder = files("finetune") / "presets"
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    return {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in found}
