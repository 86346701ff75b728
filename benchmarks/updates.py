"""Five successive updates of one adapter: what each gains on the new, and what the old loses.

python benchmarks/updates.py DIALOGUES.jsonl.gz [--plot updates.svg]

DIALOGUES: schema-guided dialogues (SGD), one a line. Their order is that in which they were
published, service after service, so each slice brings something new; they have no times. Every
update goes on from the adapter of the one before with the pull of `zhike learn`, and learns its
slice together with a share of replies from earlier slices: 0, 10 and 25 % (`--replay`). After each
the reply loss on held-out conversations of every slice is measured. Prints JSON; to the
error output, after each share, what there is so far.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from environment import described

from chatbot.models import find
from finetune import config, evaluate, tuning
from finetune.cleaning import clean
from finetune.config import Preset
from finetune.examples import Example, encode
from finetune.pairs import Pair
from finetune.settings import FinetuneSettings
from finetune.transcripts import read

UPDATES = 5
MODELS = Path(os.environ.get("ZHIKE_MODELS") or "~/.cache/zhike/models").expanduser()
WIDE, HIGH, EDGE = 640, 300, 50  # of the picture, in its own units
COLOURS = ("#c0392b", "#d68910", "#1e8449", "#2874a6")


@dataclass(frozen=True)
class Slice:
    """One span of the transcripts."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]


def slices(path: Path, tokenizer: Any, train: int, held_out: int, tokens: int) -> list[Slice]:
    """UPDATES spans, each of the conversations that follow one another in the file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    step, found = len(lines) // UPDATES, []
    for start in range(0, step * UPDATES, step):
        chosen = random.Random(start).sample(lines[start : start + step], train + held_out)
        pairs = _pairs(chosen)
        talks = list(dict.fromkeys(pair.conversation for pair in pairs))
        measured = set(talks[:held_out])
        sides = [
            encode(
                [p for p in pairs if (p.conversation in measured) is held],
                tokenizer,
                None,
                0,
                tokens,
            )
            for held in (False, True)
        ]
        found.append(Slice(tuple(sides[0][0]), tuple(sides[1][0])))
    return found


def _pairs(lines: Sequence[str]) -> list[Pair]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slice.jsonl"
        path.write_text("".join(lines), encoding="utf-8")
        return list(clean(read([path], lambda row: None), None).pairs)


def updated(
    base: Path, preset: Preset, found: Sequence[Slice], share: float, seconds: float
) -> list[list[float]]:
    """losses[k][j]: after k updates (0: the base) on slice j, in nats per supervised token."""
    tokenizer = tuning.tokenizer_of(base)
    pad, model = tokenizer.eos_token_id, tuning.adapted(base, preset)
    held_out = [one.held_out for one in found]
    losses = [[evaluate.reply_loss(model, side, pad) for side in held_out]]
    for number, one in enumerate(found):
        earlier = [example for before in found[:number] for example in before.train]
        wanted = min(len(earlier), round(len(one.train) * share / (1 - share)))
        examples = [*one.train, *random.Random(number).sample(earlier, wanted)]
        pull = FinetuneSettings().pull if number else 0.0
        state = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
        begin = tuning.Beginning(anchor=tuning.Anchor(pull, state)) if pull else None
        with tempfile.TemporaryDirectory() as scratch:
            tuning.tune(
                model, pad, preset, seconds, examples, lambda: 0.0, lambda metric: None,
                Path(scratch), begin,
            )  # fmt: skip
        losses.append([evaluate.reply_loss(model, side, pad) for side in held_out])
    return losses


def told(losses: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Shares: how much lower the loss on a slice gets by learning it, and what comes back."""
    count = len(losses) - 1
    gains = [1 - losses[k + 1][k] / losses[k][k] for k in range(count)]
    lost = [losses[count][j] / losses[j + 1][j] - 1 for j in range(count - 1)]
    return {
        "gain_on_the_new": round(fmean(gains), 4),
        "forgetting_of_the_old": round(fmean(lost), 4),
        "losses": [[round(value, 4) for value in row] for row in losses],
    }


def picture(results: dict[str, dict[str, Any]]) -> str:
    """SVG: the loss on the first slice and on the newest one, after each update."""
    lines = {}
    for share, result in results.items():
        rows = result["losses"]
        lines[share] = (
            [row[0] for row in rows[1:]],
            [rows[k + 1][k] for k in range(len(rows) - 1)],
        )
    values = [v for pair in lines.values() for line in pair for v in line]
    low, high = min(values) * 0.98, max(values) * 1.02

    def points(line: Sequence[float]) -> str:
        wide = (WIDE - 2 * EDGE) / max(len(line) - 1, 1)
        tall = (HIGH - 2 * EDGE) / (high - low or 1)
        return " ".join(
            f"{EDGE + n * wide:.1f},{HIGH - EDGE - (v - low) * tall:.1f}"
            for n, v in enumerate(line)
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
        f'<text x="{EDGE}" y="20">Loss after updates 1 to {UPDATES}: on the first slice (solid), '
        "on the newest (dashed)</text>",
        f'<text x="4" y="{HIGH - EDGE}">{low:.2f}</text><text x="4" y="{EDGE}">{high:.2f}</text>',
    ]
    for at, (share, pair) in enumerate(lines.items()):
        colour = COLOURS[at % len(COLOURS)]
        for line, dash in zip(pair, ("", ' stroke-dasharray="5 4"'), strict=True):
            parts.append(
                f'<polyline points="{points(line)}" fill="none" stroke="{colour}" '
                f'stroke-width="2"{dash}/>'
            )
        parts.append(
            f'<text x="{EDGE + 110 * at}" y="{HIGH - 14}" fill="{colour}">replay {share}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--base", type=Path, help="folder; by default the packaged one")
    parser.add_argument("--replay", type=float, nargs="+", default=[0.0, 0.1, 0.25])
    parser.add_argument("--train", type=int, default=20, help="conversations of a slice")
    parser.add_argument("--held-out", type=int, default=8, help="conversations of a slice")
    parser.add_argument("--minutes", type=float, default=2.0, help="of an update, at most")
    parser.add_argument("--rate", type=float, help="of learning; by default that of smoke")
    chosen = parser.parse_args(arguments)
    base = chosen.base or find(MODELS, "SmolLM2-135M-Instruct")
    preset = replace(config.load("smoke"), measure_every=1.0)
    preset = replace(preset, learning_rate=chosen.rate or preset.learning_rate)
    found = slices(
        chosen.dialogues,
        tuning.tokenizer_of(base),
        chosen.train,
        chosen.held_out,
        preset.max_tokens,
    )
    results: dict[str, dict[str, Any]] = {}
    for share in chosen.replay:
        losses = updated(base, preset, found, share, chosen.minutes * 60)
        results[f"{share:.0%}"] = told(losses)
        print(json.dumps(results), file=sys.stderr, flush=True)  # in case it is cut short
        if chosen.plot:
            chosen.plot.write_text(picture(results), encoding="utf-8")
    counts = [[len(one.train), len(one.held_out)] for one in found]
    print(described({"replies": counts, "replay": results}, chosen.dialogues))


if __name__ == "__main__":
    main()
