"""How fast the packaged generator answers: alone, side by side, with a beginning that is known.

    python benchmarks/generation.py [--model FOLDER] [--openvino]

Real questions to the sample shop with the passages that it finds, greedy, at most 48 tokens. The
yardstick is transformers' own `generate` in bfloat16, one request after the other. Seconds are of
processor time on one thread, so other work on the machine does not count; on a GPU they are wall
time. Every figure of one run is from the same machine.

Where OpenVINO is installed, its engine answers the same. How nearly it says what the model says is
read from the sample documents, token by token: the share of places where it would choose the token
that float32 chooses, and the perplexity; memory is what its process keeps after an answer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Literal

import psutil
import torch
from environment import ROOT, described
from torch.nn import functional as F

from chatbot.generation.batch import Batches, Request
from chatbot.generation.caches import STEP
from chatbot.generation.decoding import WordStream, Writing
from chatbot.generation.protocol import Adapter, Generation, Sampling
from chatbot.generation.transformers_engine import TransformersGenerator
from chatbot.generation.worker import load, load_model
from chatbot.models import find
from chatbot.precision import here
from chatbot.prompt import messages, render
from knowledge.types import Passage
from ui.settings import load as settings

TOKENS = 48
USERS = (1, 4, 8)
ALONE = 2  # prompts to which `generate` answers one by one
ON_GPU = (1, 8, 32, 128)
SHARED = 1_000  # tokens of the prompt that two turns share
READ, PART = 1_536, 512  # tokens that are compared with float32, and how many in a row
ASKED = (
    "How long do I have to send it back?",
    "What does it cost?",
    "How do I do that?",
    "Who pays for it?",
    "When will I hear from you?",
    "Is there anything that is left out?",
    "Can somebody else do it for me?",
    "What do I need for it?",
    "Where is it written down?",
)


Figures = dict[str, Any]


class NoAdapter:
    @contextmanager
    def use(self, _: Adapter | None) -> Iterator[None]:
        yield


def clock() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def prompts(tokenizer: Any, count: int) -> list[list[int]]:
    """`count` prompts, all different, each with a document of the sample shop for evidence."""
    documents = sorted((ROOT / "samples" / "knowledge" / "en").glob("*.md"))
    pairs = [(question, path) for question in ASKED for path in documents]
    assert count <= len(pairs), "write more questions"
    return [_prompt(tokenizer, question, path) for question, path in pairs[:count]]


def _prompt(tokenizer: Any, question: str, path: Path) -> list[int]:
    passage = Passage(
        id=1,
        document_id="d",
        collection="default",
        document=path.name,
        title=path.stem,
        heading=path.stem,
        text=path.read_text("utf-8"),  # the prompt itself takes 2,400 characters
        language="en",
    )
    return render(tokenizer, messages(question, (), (passage,), "en"))


@torch.inference_mode()
def plain(model: Any, batch: Sequence[list[int]]) -> tuple[float, float]:
    """transformers' generate, one by one: tokens per second, seconds to the first token."""
    begin, first, count = clock(), [], 0
    for ids in batch:
        for most in (1, TOKENS):
            start = clock()
            inputs = torch.tensor([ids], device=model.device)
            end = model.generation_config.eos_token_id
            out = model.generate(
                inputs,
                attention_mask=torch.ones_like(inputs),
                max_new_tokens=most,
                min_new_tokens=most,
                do_sample=False,
                pad_token_id=end,
            )
            if most == 1:
                first.append(clock() - start)
                begin += clock() - start  # only the whole answers count
            else:
                count += out.shape[1] - len(ids)
    return count / (clock() - begin), median(first)


class Desk:
    """Requests to `Batches` as the worker gives them, and when their words come."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._batches = Batches(
            model, NoAdapter(), getattr(model, "empty", None), getattr(model, "step", STEP)
        )
        self._begin, self._first = 0.0, list[float]()

    def run(self, batch: Sequence[list[int]], tokens: int = TOKENS) -> tuple[float, list[float]]:
        """All at once: tokens per second, and seconds to each one's first token."""
        self._begin, self._first = clock(), [0.0] * len(batch)
        for number, ids in enumerate(batch):
            self._batches.add(Request(number, ids, None, self._writing(tokens, number), tokens))
        while len(self._batches):
            for ended in self._batches.advance():
                if ended.error:
                    raise ended.error
        return tokens * len(batch) / (clock() - self._begin), self._first

    def _writing(self, tokens: int, number: int) -> Writing:
        words = _Timed(self._tokenizer, lambda: self._note(number))
        sampling = Sampling(max_tokens=tokens, max_seconds=1e9)
        return Writing(words, set(), sampling, lambda text: None, lambda: False)

    def _note(self, number: int) -> None:
        self._first[number] = self._first[number] or clock() - self._begin


class _Timed(WordStream):
    """Tells when a token comes, and takes no loop for one: all answers have the same length."""

    def __init__(self, tokenizer: Any, told: Callable[[], None]) -> None:
        super().__init__(tokenizer)
        self._told = told

    def add(self, token: int) -> str:
        self._told()
        return super().add(token)


def shared(tokenizer: Any, count: int) -> list[int]:
    """The first tokens of the sample documents."""
    text = " ".join(
        path.read_text("utf-8") for path in (ROOT / "samples/knowledge/en").glob("*.md")
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids[:count]


def second_turn(model: Any, tokenizer: Any) -> dict[str, float]:
    """Seconds to the first token of two turns that share their passages."""
    ids = shared(tokenizer, SHARED)
    asked = [
        tokenizer(turn, add_special_tokens=False)["input_ids"]
        for turn in ("How long can I return tea?", "And if it was opened before that?")
    ]
    desk = Desk(model, tokenizer)
    first = desk.run([ids + asked[0]], tokens=2)[1][0]
    second = desk.run([ids + asked[0] + asked[1]], tokens=2)[1][0]
    return {
        "first_turn": round(first, 3),
        "second_turn": round(second, 3),
        "ratio": round(second / first, 3),
    }


@torch.inference_mode()
def said(model: Any, parts: Sequence[list[int]]) -> torch.Tensor:
    """(tokens, vocabulary) scores after every token of the parts, each read by itself."""
    if not hasattr(model, "empty"):
        return torch.cat([model(torch.tensor([part])).logits[0].float() for part in parts])
    rows = []
    for part in parts:
        cache, _ = model.empty()
        for token in part:  # OpenVINO's form gives the scores after the last token alone
            rows.append(model(torch.tensor([[token]]), past_key_values=cache).logits[0, -1])
    return torch.stack(rows)


def likeness(scores: torch.Tensor, exact: torch.Tensor, parts: Sequence[list[int]]) -> Figures:
    """Agreement with float32, and the perplexity of both."""
    following = torch.tensor([token for part in parts for token in [*part[1:], -100]])

    def perplexity(of: torch.Tensor) -> float:
        return round(float(F.cross_entropy(of, following).exp()), 3)

    return {
        "agreement": round(float((scores.argmax(-1) == exact.argmax(-1)).float().mean()), 4),
        "perplexity": perplexity(scores),
        "perplexity_float32": perplexity(exact),
        "tokens": len(following),
    }


def memory(folder: Path, engine: Literal["transformers", "openvino"]) -> int:
    """MB that the engine's process keeps after its first answer."""
    generator = TransformersGenerator(settings().models, str(folder), engine=engine)
    generator.start()
    if not generator.wait(300):
        raise SystemExit(f"{engine}: {generator.status}")
    try:
        asked = Generation(ASKED[0], (), (), "en", sampling=Sampling(max_tokens=16))
        list(generator.stream(asked))
        (child,) = psutil.Process().children()
        return int(child.memory_info().rss) >> 20
    finally:
        generator.close()


def with_openvino(
    folder: Path, tokenizer: Any, batch: Sequence[list[int]], base: tuple[float, float]
) -> Figures:
    """The same requests to the engine of `chatbot.generator_engine = "openvino"`."""
    from chatbot.generation.openvino_model import OpenVinoModel

    store = settings().models / "openvino"
    model = OpenVinoModel(folder, 0, lambda: load_model(folder, 32), store)
    figures: Figures = {}
    Desk(model, tokenizer).run(batch[-1:])
    for users in USERS:
        speed, firsts = Desk(model, tokenizer).run(batch[:users])
        figures[f"{users} at once"] = _row(speed, median(firsts)) | _ratios(
            speed, median(firsts), *base
        )
    figures["shared_prompt"] = second_turn(model, tokenizer)
    ids = shared(tokenizer, READ)
    parts = [ids[begin : begin + PART] for begin in range(0, len(ids), PART)]
    exact = said(load(folder, 32)[0], parts)
    figures["likeness"] = likeness(said(model, parts), exact, parts)
    figures["likeness, bfloat16"] = likeness(said(load(folder, 16)[0], parts), exact, parts)
    figures["megabytes"] = {
        "openvino": memory(folder, "openvino"),
        "transformers": memory(folder, "transformers"),
    }
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path)
    options.add_argument("--openvino", action="store_true", help="no Zhike over transformers")
    chosen = options.parse_args()
    folder = chosen.model or find(settings().models, "SmolLM2-135M-Instruct")
    torch.set_num_threads(1)
    figures: dict[str, Any] = {"device": str(here())}
    model, tokenizer = load(folder, 16)
    crowds = () if chosen.openvino else ON_GPU if torch.cuda.is_available() else USERS
    batch = prompts(tokenizer, max(*crowds, *USERS))
    figures["prompt_tokens"] = [len(ids) for ids in batch[:8]]
    plain(model, batch[-1:])  # what is done once; the worker does it before it is ready
    base_speed, base_first = plain(model, batch[:ALONE])
    figures["generate, bfloat16"] = _row(base_speed, base_first)
    model, tokenizer = load(folder, 0)
    figures["computes_in"] = str(model.dtype)
    speed, first = plain(model, batch[:ALONE])
    figures["generate"] = _row(speed, first) | _ratios(speed, first, base_speed, base_first)
    for users in crowds:
        speed, firsts = Desk(model, tokenizer).run(batch[:users])
        first = median(firsts)
        figures[f"zhike, {users} at once"] = _row(speed, first) | _ratios(
            speed, first, base_speed, base_first
        )
    if not chosen.openvino:
        figures["shared_prompt"] = second_turn(model, tokenizer)
    if find_spec("openvino") and not torch.cuda.is_available():
        base = base_speed, base_first
        figures["openvino"] = with_openvino(folder, tokenizer, batch, base)
    print(described(figures))


def _row(speed: float, first: float) -> dict[str, float]:
    return {"tokens_per_second": round(speed, 1), "first_token": round(first, 3)}


def _ratios(speed: float, first: float, base_speed: float, base_first: float) -> dict[str, float]:
    return {
        "times_generate": round(speed / base_speed, 2),
        "first_token_ratio": round(first / base_first, 2),
    }


if __name__ == "__main__":
    main()
