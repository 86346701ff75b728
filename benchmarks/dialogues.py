"""An adapter on published dialogues against its base: loss, chrF, stopping, unrelated text.

python benchmarks/dialogues.py DIALOGUES [--held-out-file FILE] [--base FOLDER] [--tiny]
    [--train 150] [--minutes 12] [--seeds 1] [--out results.json]

DIALOGUES: what `zhike train` reads, also packed with gzip (SGD, CrossWOZ). Some conversations are
held out, the same for every seed; from `--held-out-file` where a data set has a file of its own for
that. Cleaning, prompt, training and scoring are those of `zhike train`, on one thread. A held-out
reply whose text or whose question with it has a twin (Jaccard ≥ .8) among those to learn from is
left out. `--tiny` takes a randomly initialised model instead of a packaged one: the path, not
quality. Prints every result as soon as it is there; `--out` keeps what is finished.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from environment import described
from transformers import LlamaConfig, LlamaForCausalLM

from chatbot.models import find
from finetune import config, evaluate, tuning
from finetune.adapter import halve
from finetune.cleaning import clean
from finetune.comparison import interval, text_loss
from finetune.config import Preset
from finetune.duplicates import twins
from finetune.examples import Example, encode
from finetune.pairs import Pair
from finetune.transcripts import read
from finetune.transcripts.conversation import Conversation
from finetune.wording import chrf

MODELS = Path(os.environ.get("ZHIKE_MODELS") or "~/.cache/zhike/models").expanduser()
PACKAGED = "SmolLM2-135M-Instruct"
HELD_OUT_SEED = 0


def conversations(path: Path) -> list[Conversation]:
    """All of a file, in its order; gzip is unpacked first."""
    with tempfile.TemporaryDirectory() as folder:
        if path.suffix == ".gz":
            plain = Path(folder) / path.stem
            plain.write_bytes(gzip.decompress(path.read_bytes()))
            path = plain
        return list(read([path], lambda row: None))


def apart(train: Sequence[Pair], held_out: Sequence[Pair]) -> tuple[Pair, ...]:
    """The held-out pairs without a twin of their reply, or of question and reply, in `train`."""
    first, leaking = len(train), set()
    rows = [*train, *held_out]
    for texts in ([p.text for p in rows], [p.reply for p in rows]):
        leaking |= {j - first for i, j in twins(texts) if i < first <= j}
    return tuple(pair for number, pair in enumerate(held_out) if number not in leaking)


def random_model(folder: Path, tokenizer: Any) -> Path:
    """A Llama of 3M random weights whose byte-level vocabulary spells every language."""
    torch.manual_seed(7)
    small = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(small).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Trial:
    """One base with its held-out replies; the base's own figures are measured once."""

    def __init__(self, base: Path, preset: Preset, written: int) -> None:
        self._base, self._preset, self._written = base, preset, written
        self.tokenizer = tuning.tokenizer_of(base)

    def examples(self, pairs: Sequence[Pair]) -> list[Example]:
        return encode(pairs, self.tokenizer, None, 0, self._preset.max_tokens)[0]

    def figures(self, model: Any, held_out: Sequence[Example]) -> dict[str, Any]:
        """Loss in nats per supervised token, chrF of greedy replies, stopping."""
        pad = self.tokenizer.eos_token_id
        replies = [evaluate.reply(model, self.tokenizer, one) for one in held_out[: self._written]]
        scores = [
            chrf(text, one.pair.reply) for (text, _), one in zip(replies, held_out, strict=False)
        ]
        return {
            "loss": evaluate.reply_loss(model, held_out, pad),
            "chrf": fmean(scores),
            "stop_rate": fmean(stopped for _, stopped in replies),
            "unrelated_loss": text_loss(model, self.tokenizer, None),
            "scores": scores,
        }

    def untrained(self, held_out: Sequence[Example]) -> dict[str, Any]:
        model = tuning.adapted(self._base, self._preset)
        model.eval()
        return self.figures(model, held_out)

    def trained(
        self, train: Sequence[Example], held_out: Sequence[Example], seconds: float, seed: int
    ) -> dict[str, Any]:
        preset = replace(self._preset, seed=seed)
        model = tuning.adapted(self._base, preset)
        moments: list[Any] = []
        with tempfile.TemporaryDirectory() as scratch:
            tuning.tune(
                model, self.tokenizer.eos_token_id, preset, seconds, train, lambda: 0.0,
                moments.append, Path(scratch),
            )  # fmt: skip
        halve(model)
        model.eval()
        speeds = sorted(m.tokens_per_second for m in moments if m.tokens_per_second)
        speed = round(speeds[len(speeds) // 2]) if speeds else None
        steps = f"{moments[-1].step}/{moments[-1].steps}" if moments else ""
        return {"steps": steps, "tokens_per_second": speed} | self.figures(model, held_out)


def beside(base: dict[str, Any], tuned: dict[str, Any]) -> dict[str, Any]:
    """Relative changes, e.g. loss -0.25: a quarter lower; chrF's difference with its interval."""
    pairs = list(zip(base["scores"], tuned["scores"], strict=True))
    return {
        "loss": round(tuned["loss"] / base["loss"] - 1, 4),
        "chrf": round(tuned["chrf"] / base["chrf"] - 1, 4) if base["chrf"] else None,
        "chrf_difference_95": [round(v, 4) for v in interval([b - a for a, b in pairs])],
        "unrelated_loss": round(tuned["unrelated_loss"] / base["unrelated_loss"] - 1, 4),
    }


def shown(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in figures.items()
        if key != "scores"
    }


def measured(chosen: argparse.Namespace, base: Path) -> dict[str, Any]:
    """All seeds, one after the other; what is finished is printed and kept."""
    preset = replace(
        config.load("small"),
        batch=chosen.batch,
        epochs=chosen.epochs,
        learning_rate=chosen.rate,
        max_tokens=chosen.tokens,
        dropout=0.0,
        measure_every=1.0,
        save_seconds=1e9,
    )
    trial = Trial(base, preset, chosen.written)
    talks = conversations(chosen.dialogues)
    random.Random(HELD_OUT_SEED).shuffle(talks)
    if chosen.held_out_file:
        others = conversations(chosen.held_out_file)
        random.Random(HELD_OUT_SEED).shuffle(others)
        kept = others[: chosen.held_out]
    else:
        kept, talks = talks[: chosen.held_out], talks[chosen.held_out :]
    learnt = {
        seed: clean(random.Random(seed).sample(talks, chosen.train), None).pairs
        for seed in chosen.seeds
    }
    pairs = clean(kept, None).pairs
    everything = [pair for rows in learnt.values() for pair in rows]
    clear = apart(everything, pairs)
    held_out = trial.examples(random.Random(HELD_OUT_SEED).sample(clear, len(clear)))
    held_out = held_out[: chosen.measured]
    results: dict[str, Any] = {
        "base": base.name if not chosen.tiny else "random, 3M",
        "settings": {k: v for k, v in asdict(preset).items() if k != "name"},
        "held_out": {
            "conversations": len({one.pair.conversation for one in held_out}),
            "replies": len(held_out),
            "written": min(chosen.written, len(held_out)),
            "left_out_as_twins": len(pairs) - len(clear),
            "twins_left": len(pairs_of_twins(everything, [one.pair for one in held_out])),
        },
    }
    told(results, chosen)
    before = trial.untrained(held_out)
    results["untrained"] = shown(before)
    told(results, chosen)
    for seed, rows in learnt.items():
        train, begin = trial.examples(rows), time.monotonic()
        after = trial.trained(train, held_out, chosen.minutes * 60, seed)
        results[f"seed {seed}"] = {
            "conversations": len({one.pair.conversation for one in train}),
            "replies": len(train),
            "minutes": round((time.monotonic() - begin) / 60, 1),
            **shown(after),
            "against_untrained": beside(before, after),
        }
        told(results, chosen)
    return results


def pairs_of_twins(train: Sequence[Pair], held_out: Sequence[Pair]) -> list[Pair]:
    """Held-out pairs that are not `apart` from `train`: none, when all is well."""
    clear = {pair.id for pair in apart(train, held_out)}
    return [pair for pair in held_out if pair.id not in clear]


def told(results: dict[str, Any], chosen: argparse.Namespace) -> None:
    print(json.dumps(results, ensure_ascii=False), flush=True)
    if chosen.out:
        chosen.out.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("--held-out-file", type=Path)
    parser.add_argument("--base", type=Path, help="folder; by default the packaged one")
    parser.add_argument("--tiny", action="store_true", help="a randomly initialised model")
    parser.add_argument("--train", type=int, default=150, help="conversations to learn from")
    parser.add_argument("--held-out", type=int, default=40, help="conversations")
    parser.add_argument("--measured", type=int, default=96, help="held-out replies in the loss")
    parser.add_argument("--written", type=int, default=50, help="held-out replies written out")
    parser.add_argument("--minutes", type=float, default=12.0, help="of training, at most")
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=320, help="of prompt and reply, at most")
    parser.add_argument("--rate", type=float, default=1e-3, help="of learning")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    base = chosen.base or find(MODELS, PACKAGED)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.tiny:
            base = random_model(Path(folder) / "tiny", tuning.tokenizer_of(base))
        results = measured(chosen, base)
    data = [chosen.dialogues, *([chosen.held_out_file] if chosen.held_out_file else [])]
    print(described(results, *data))


if __name__ == "__main__":
    main()
