"""What learning from better and worse replies changes, on the packaged base and the samples.

python benchmarks/preference.py [--preset smoke] [--written 16]

Trains an adapter on the sample transcripts, then goes on from it with `zhike train --preference`
(DPO on the runner-ups that cleaning kept). Prints both cards' figures and the chrF of the same
held-out replies, written out by either adapter.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from environment import ROOT, described

from finetune import config, evaluate, tuning
from finetune.comparison import interval, read
from finetune.foundation import Foundation
from finetune.job import MODEL
from finetune.registry import Run, opened
from finetune.wording import chrf

MODELS = Path(os.environ.get("ZHIKE_MODELS") or "~/.cache/zhike/models").expanduser()
TRANSCRIPTS = ROOT / "samples" / "transcripts"


def zhike(home: str, *arguments: str | Path) -> None:
    """The command line of this checkout, quietly."""
    command = [Path(sys.executable).with_name("zhike"), *arguments]
    environment = {**os.environ, "ZHIKE_HOME": home}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def scores(run: Run, home: Path, base: Foundation, written: int) -> tuple[list[float], float]:
    """chrF of each held-out reply as this run's adapter writes it, and the share that stop."""
    assert run.path is not None
    model = tuning.adapted(base.folder, tuning.shaped(config.load("smoke"), run.path))
    tuning.begin_with(model, run.path, base, 0.0)
    model.eval()
    tokenizer = tuning.tokenizer_of(base.folder)
    examples = read(opened(home).folder(run.name) / "dataset" / "held_out.jsonl")[:written]
    replies = [evaluate.reply(model, tokenizer, one) for one in examples]
    found = [chrf(text, one.pair.reply) for (text, _), one in zip(replies, examples, strict=True)]
    return found, fmean(stopped for _, stopped in replies)


def told(run: Run) -> dict[str, Any]:
    """Of a run's card what can be compared; losses in nats per supervised token."""
    return {"held_out_loss": run.adapter_loss, "base_loss": run.base_loss} | {
        key: run.card[key] for key in ("preference", "seconds") if key in run.card
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="smoke")
    parser.add_argument("--written", type=int, default=16, help="held-out replies written out")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    base = Foundation.of(MODELS, MODEL)
    with tempfile.TemporaryDirectory() as home:
        zhike(home, "knowledge", "list")  # a fresh home loads the samples
        begin, preset = time.monotonic(), ("--preset", chosen.preset)
        zhike(home, "train", "--transcripts", TRANSCRIPTS, *preset, "--name", "before")
        print(json.dumps({"before": told(opened(Path(home)).show("before"))}), flush=True)
        zhike(home, "train", "--preference", "before", *preset, "--name", "after")
        figures: dict[str, Any] = {"minutes": round((time.monotonic() - begin) / 60, 1)}
        written = {}
        for name in ("before", "after"):
            run = opened(Path(home)).show(name)
            figures[name] = told(run)
            print(json.dumps(figures), flush=True)
            written[name], stopped = scores(run, Path(home), base, chosen.written)
            figures[name] |= {"chrf": fmean(written[name]), "stop_rate": stopped}
    pairs = zip(written["before"], written["after"], strict=True)
    figures["chrf_difference_95"] = interval([after - before for before, after in pairs])
    print(described(figures, TRANSCRIPTS))


if __name__ == "__main__":
    main()
