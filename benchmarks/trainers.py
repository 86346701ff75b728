"""Zhike's trainer beside TRL's SFTTrainer: same examples, base, adapter, steps; one process each.

python benchmarks/trainers.py RUN/dataset [--base FOLDER | --shape 0.5b|1.5b] [--steps 40]

RUN/dataset: of any training run (`zhike train`). Without --base the packaged model is trained;
--shape takes a Qwen2 architecture with random weights instead, for a GPU without a model hub. Each
trainer runs in a process of its own and prints real tokens (no padding) per second of training, the
highest memory, and the reply loss on the same held-out examples before and after, measured by the
same code. Needs `pip install trl`; without it only Zhike's figures are printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM, Qwen2Config

from chatbot.models import find
from finetune import evaluate, tuning
from finetune.batches import IGNORED
from finetune.config import Preset
from ui.settings import load as settings

TRAINERS = ("zhike", "trl")
WARM = 3  # steps that are not timed: allocation, kernels chosen
# Widths, layers and heads of Qwen2.5-0.5B and 1.5B, by their model cards; "tiny" is for a trial.
SHAPES = {
    "tiny": (64, 2, 4, 2, 128),
    "0.5b": (896, 24, 14, 2, 4864),
    "1.5b": (1536, 28, 12, 2, 8960),
}


class Encoded(NamedTuple):
    """What both trainers read of an example (finetune.examples.Example without its texts)."""

    ids: tuple[int, ...]
    supervised: int

    @property
    def prompt(self) -> tuple[int, ...]:
        return self.ids[: -self.supervised]


def main() -> None:
    arguments = parsed()
    if arguments.trainer:
        print(json.dumps(one(arguments)))
        return
    found = {}
    for trainer in TRAINERS:
        command = [sys.executable, __file__, *sys.argv[1:], "--trainer", trainer]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            found[trainer] = {"failed": done.stderr.strip().splitlines()[-1:]}
        else:
            found[trainer] = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = found["zhike"].get("tokens_per_second"), found["trl"].get("tokens_per_second")
    if ours and theirs:
        found["ratio"] = round(ours / theirs, 2)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(json.dumps({"device": device, "torch": torch.__version__} | found, indent=1))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--base", type=Path, default=None)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--held-out", type=int, default=64)
    parser.add_argument("--trainer", choices=TRAINERS, help="only this one, in this process")
    return parser.parse_args()


def read(path: Path) -> list[Encoded]:
    rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return [Encoded(tuple(row["ids"]), int(row["supervised"])) for row in rows]


def one(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train with one trainer here; its figures."""
    train, held_out = (read(arguments.dataset / f"{side}.jsonl") for side in ("train", "held_out"))
    train = (train * (1 + arguments.steps * arguments.batch // len(train)))[
        : arguments.steps * arguments.batch
    ]
    held_out = held_out[: arguments.held_out]
    preset = Preset(
        name="benchmark", epochs=1, max_minutes=60, batch=arguments.batch, max_tokens=2048,
        passages=3, rank=arguments.rank, alpha=2 * arguments.rank, dropout=0.0, learning_rate=2e-4,
        warmup=0.03, measured=64, measure_every=1.0, samples=0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        base = arguments.base or made(arguments.shape, train + held_out, Path(folder) / "base")
        model = tuning.adapted(base, preset)
        if torch.cuda.is_available():
            model.to("cuda")
        before = evaluate.reply_loss(model, held_out, 0)
        clock = Clock(arguments.steps)
        tune = {"zhike": ours, "trl": theirs}[arguments.trainer]
        tune(model, train, preset, Path(folder), clock)
        after = evaluate.reply_loss(model, held_out, 0)
    tokens = sum(len(example.ids) for example in train) * (1 - WARM / arguments.steps)
    return {
        "tokens_per_second": round(tokens / clock.seconds),
        "peak_mb": round(clock.peak / 2**20),
        "loss_before": round(before, 4),
        "loss_after": round(after, 4),
        "steps": arguments.steps,
        "batch": arguments.batch,
        "mean_tokens": round(sum(len(e.ids) for e in train) / len(train)),
        "parameters_million": round(sum(p.numel() for p in model.parameters()) / 1e6),
    }


def made(shape: str | None, examples: list[Encoded], folder: Path) -> Path:
    """The packaged model's folder, or one of random weights for these token ids."""
    if shape is None:
        return find(settings().models, "SmolLM2-135M-Instruct")
    width, layers, heads, kv, inner = SHAPES[shape]
    config = Qwen2Config(
        vocab_size=49_152, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv, intermediate_size=inner, max_position_embeddings=4096,
        tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    return folder


class Clock:
    """Seconds of the steps after the first few, and the memory at their peak."""

    def __init__(self, steps: int) -> None:
        self._steps, self._done, self._start = steps, 0, 0.0
        self.seconds, self.peak = 0.0, 0

    def step(self) -> None:
        self._done += 1
        if self._done not in (WARM, self._steps):
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if self._done == WARM:
            self._start = time.monotonic()
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
        if self._done == self._steps:
            self.seconds = time.monotonic() - self._start
            here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            gpu = torch.cuda.is_available()
            self.peak = torch.cuda.max_memory_allocated() if gpu else here


def ours(model: Any, train: list[Encoded], preset: Preset, folder: Path, clock: Clock) -> None:
    """As `zhike train` does it, without its live held-out losses and checkpoints."""
    tuning.tune(
        model, 0, preset, 3600.0, train, lambda: 0.0, lambda metric: clock.step(), folder / "zhike"
    )  # fmt: skip


def theirs(model: Any, train: list[Encoded], preset: Preset, folder: Path, clock: Clock) -> None:
    """TRL's own defaults, but for what must be equal: batch, rate, precision, examples."""
    import pyarrow
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Steps(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.step()

    labels = [[IGNORED] * len(e.prompt) + list(e.ids[-e.supervised :]) for e in train]
    table = pyarrow.table({"input_ids": [list(e.ids) for e in train], "labels": labels})
    rows = Dataset(table, fingerprint="examples")
    words = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>"
    )
    config = SFTConfig(
        output_dir=str(folder / "trl"),
        max_steps=len(train) // preset.batch,
        per_device_train_batch_size=preset.batch,
        learning_rate=preset.learning_rate,
        warmup_steps=max(1, round(len(train) // preset.batch * preset.warmup)),
        max_grad_norm=1.0,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=False,  # ours does not either; it would cost a third more time
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=preset.seed,
    )
    trainer = SFTTrainer(
        model, args=config, train_dataset=rows, processing_class=tokenizer, callbacks=[Steps()]
    )
    trainer.train()


if __name__ == "__main__":
    main()
