"""Base, champion and candidate side by side on a run's own held-out questions; needs torch."""

from __future__ import annotations

import json
import random
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from chatbot.champions import Champion
from chatbot.grounding import abstains
from chatbot.language import detect
from chatbot.phrases import phrase
from chatbot.precision import autocast, computing, here
from chatbot.support import SUPPORTED, support
from chatbot.types import Message
from finetune import evaluate
from finetune.errors import NotPromotable
from finetune.examples import Example
from finetune.foundation import Foundation
from finetune.pairs import Pair
from finetune.registry import Run
from finetune.tuning import tokenizer_of
from finetune.wording import chrf, repetition

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
ALIKE = 0.4  # chrF from which a reply is our phrase; other replies of the samples stay below .27
STORED = 64  # replies at most for the loss of what lies on disk: seconds on a processor
RESAMPLED = 1_000  # times, for the paired bootstrap (Koehn 2004)
Tell = Callable[[str, int, int], object]  # contender, replies written, in all


@dataclass(frozen=True, slots=True)
class Written:
    """One contender's reply to one held-out question."""

    question: str
    agent: str  # what the person wrote; the phrase that abstains where nothing answers
    reply: str
    answerable: bool
    loss: float  # nats per supervised token of the agent's reply
    chrf: float  # 0..1, against the agent's reply
    supported: bool | None  # by the passages of the prompt; None without passages
    abstained: bool
    language: bool  # in the customer's
    stopped: bool  # by itself, within evaluate.SAMPLE_TOKENS
    repetition: float  # 0..1
    seconds: float


def compare(
    run: Run,
    folder: Path,
    base: Foundation,
    champion: Champion | None,
    limit: int,
    tell: Tell = lambda contender, done, count: None,
) -> dict[str, Any]:
    """Figures of each contender and what changed from base and champion, ready for JSON.

    `limit` held-out questions and as many unanswerable ones at most; `folder` is the run's.
    Raises NotPromotable when the run has no adapter or its questions are not there any more.
    """
    if run.state != "done" or run.path is None:
        raise NotPromotable(f"Run {run.name} is {run.state}, only a finished one can be compared.")
    data = folder / "dataset"
    known = read(data / "held_out.jsonl")
    held_out, measured = known[:limit], run.card["evaluation"]["replies"]
    examples = held_out + read(data / "unanswerable.jsonl")[:limit]
    if not held_out:
        raise NotPromotable(f"{data}: no held-out questions that can be asked again. Train again.")
    tokenizer = tokenizer_of(base.folder)
    model, names = _loaded(base.folder, run, champion)
    written, unrelated = {}, {}
    for name in names:
        with _as(model, name):
            written[name] = [
                _write(model, tokenizer, example, tell, name, n, len(examples))
                for n, example in enumerate(examples, 1)
            ]
            unrelated[name] = text_loss(model, tokenizer, base.languages)
    stored = None
    if measured <= STORED:
        with _as(model, "candidate"):
            stored = evaluate.reply_loss(model, known[:measured], tokenizer.eos_token_id)
    losses = _means(written, held_out)
    return {
        "limit": limit,
        "stored_loss": stored,  # of the files on disk; None where that would take long
        "champion": champion.name if "champion" in names and champion else None,
        "contenders": {
            name: figures(written[name]) | {"loss": losses[name], "unrelated_loss": unrelated[name]}
            for name in names
        },
        "against": {
            name: against(written[name], written["candidate"])
            for name in names
            if name != "candidate"
        },
        "replies": {name: [asdict(row) for row in written[name]] for name in names},
    }


def read(path: Path) -> list[Example]:
    """Examples as dataset.write wrote them; [] where an older run has no token ids."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        row = json.loads(line)
        if "ids" not in row:
            return []
        history = tuple(Message(role, text) for role, text in row["history"])
        pair = Pair(row["conversation"], row["language"], history, row["question"], row["reply"])
        evidence = tuple(row["evidence"])
        ids, abstaining = tuple(row["ids"]), row["abstains"]
        found.append(
            Example(pair, ids, row["supervised"], len(evidence), evidence, abstains=abstaining)
        )
    return found


def _loaded(folder: Path, run: Run, champion: Champion | None) -> tuple[Any, tuple[str, ...]]:
    """The base with the adapters as they lie on disk, and who is in it."""
    device = here()
    dtype = computing(device)
    base = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    wide = dtype is torch.float32
    model = PeftModel.from_pretrained(
        base, run.path, adapter_name="candidate", autocast_adapter_dtype=wide
    )
    names: tuple[str, ...] = ("base", "candidate")
    if champion is not None and champion.name != run.name:
        model.load_adapter(champion.path, adapter_name="champion", autocast_adapter_dtype=wide)
        names = ("base", "champion", "candidate")
    model.to(device)
    model.eval()
    return model, names


@contextmanager
def _as(model: Any, name: str) -> Iterator[None]:
    if name == "base":
        with model.disable_adapter():
            yield
    else:
        model.set_adapter(name)
        yield


def _write(
    model: Any, tokenizer: Any, example: Example, tell: Tell, name: str, done: int, count: int
) -> Written:
    start = time.monotonic()
    text, stopped = evaluate.reply(model, tokenizer, example)
    seconds = time.monotonic() - start
    pair, score = example.pair, support(example.evidence, text)[0]
    tell(name, done, count)
    return Written(
        question=pair.question,
        agent=pair.reply,
        reply=text,
        answerable=not example.abstains,
        loss=evaluate.reply_loss(model, [example], tokenizer.eos_token_id),
        chrf=chrf(text, pair.reply),
        supported=score >= SUPPORTED if example.evidence else None,
        abstained=abstaining(text, pair.language),
        language=not text or detect(text, LANGUAGES, pair.language) == pair.language,
        stopped=stopped,
        repetition=repetition(text),
        seconds=seconds,
    )


def abstaining(text: str, language: str) -> bool:
    """Whether a reply says that it does not know, in its own words or nearly in ours."""
    return abstains(text) or chrf(text, phrase("no_evidence", language)) >= ALIKE


def _means(written: dict[str, list[Written]], held_out: Sequence[Example]) -> dict[str, float]:
    """Nats per supervised token of the answerable ones: the same sum as in training."""
    tokens = [example.supervised for example in held_out]
    return {
        name: sum(row.loss * n for row, n in zip(rows, tokens, strict=False)) / sum(tokens)
        for name, rows in written.items()
    }


def figures(rows: Sequence[Written]) -> dict[str, Any]:
    """Means over the replies; a share is None where there is nothing to count."""
    asked = [row for row in rows if row.answerable]
    claims = [row.supported for row in asked if row.supported is not None and not row.abstained]
    unanswerable = [row.abstained for row in rows if not row.answerable]
    return {
        "replies": len(rows),
        "chrf": fmean(row.chrf for row in asked),
        "supported": fmean(claims) if claims else None,
        "right_abstain": fmean(unanswerable) if unanswerable else None,
        "answered": 1 - fmean(row.abstained for row in asked),
        "language": fmean(row.language for row in rows),
        "stop_rate": fmean(row.stopped for row in rows),
        "repetition": fmean(row.repetition for row in rows),
        "seconds": median(row.seconds for row in rows),
    }


def against(before: Sequence[Written], after: Sequence[Written]) -> dict[str, list[float]]:
    """Mean difference and its 95 % interval on the same questions: [mean, low, high]."""
    rows = [(a, b) for a, b in zip(before, after, strict=True) if a.answerable]
    return {
        "loss": interval([b.loss - a.loss for a, b in rows]),
        "chrf": interval([b.chrf - a.chrf for a, b in rows]),
    }


def interval(differences: Sequence[float]) -> list[float]:
    """[mean, low, high] of a paired bootstrap; the same in every run."""
    chance, count = random.Random(1), len(differences)
    means = sorted(fmean(chance.choices(differences, k=count)) for _ in range(RESAMPLED))
    return [fmean(differences), means[int(0.025 * RESAMPLED)], means[int(0.975 * RESAMPLED) - 1]]


def text_loss(model: Any, tokenizer: Any, languages: frozenset[str] | None) -> float:
    """Mean nats per token of text that has nothing to do with customer service."""
    table = tomllib.loads((files("finetune") / "data" / "unrelated.toml").read_text("utf-8"))
    spoken = [name for name in table if languages is None or name in languages] or list(table)
    device, total, count = next(model.parameters()).device, 0.0, 0
    with torch.no_grad(), autocast(device):
        for text in (text for name in spoken for text in table[name]["texts"]):
            ids = torch.tensor([tokenizer(text)["input_ids"]], device=device)
            total += float(model(input_ids=ids, labels=ids).loss) * (ids.shape[1] - 1)
            count += ids.shape[1] - 1
    return total / count
