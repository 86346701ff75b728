"""Answers side by side are those that the model gives one by one, and a kept beginning too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from chatbot.errors import GenerationError
from chatbot.generation import caches
from chatbot.generation.batch import Batches, Ended, Request
from chatbot.generation.caches import STEP, Beginnings
from chatbot.generation.decoding import WordStream, Writing
from chatbot.generation.protocol import Adapter, Sampling
from chatbot.generation.worker import load
from tests.tiny_models import make_model, models_folder

TOKENS = 12


class NoAdapters:
    """The base for everybody; an adapter called "broken" fails."""

    @contextmanager
    def use(self, adapter: Adapter | None) -> Iterator[None]:
        if adapter is not None and adapter.name == "broken":
            raise GenerationError("It is broken.")
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_model(folder, models_folder() / "SmolLM2-135M-Instruct")
    return load(folder, 32)


class Bench:
    """Requests to one model, their texts, and how they ended."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.batches = Batches(model, NoAdapters())
        self.texts: dict[int, str] = {}
        self.ended: dict[int, Ended] = {}
        self.cancelled: set[int] = set()

    def ask(
        self,
        number: int,
        prompt: list[int],
        sampling: Sampling | None = None,
        adapter: Adapter | None = None,
    ) -> None:
        sampling = sampling or Sampling(max_tokens=TOKENS)
        self.texts[number] = ""

        def emit(text: str) -> None:
            self.texts[number] += text

        writing = Writing(
            WordStream(self.tokenizer),
            {self.tokenizer.eos_token_id},
            sampling,
            emit,
            lambda: number in self.cancelled,
        )
        self.batches.add(Request(number, prompt, adapter, writing, sampling.max_tokens))

    def step(self) -> None:
        for ended in self.batches.advance():
            assert ended.number not in self.ended
            self.ended[ended.number] = ended

    def run(self) -> dict[int, str]:
        while len(self.batches):
            self.step()
        return self.texts


@pytest.fixture
def bench(tiny: tuple[Any, Any]) -> Bench:
    return Bench(*tiny)


def prompt(length: int, seed: int) -> list[int]:
    torch.manual_seed(seed)
    return [int(i) for i in torch.randint(1000, 40_000, (length,))]


PROMPTS = [prompt(n, n) for n in (5, 700, 130, STEP, 2 * STEP + 1, 33)]


def generated(model: Any, tokenizer: Any, ids: list[int]) -> str:
    """What transformers' own generate writes."""
    out = model.generate(
        torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False, pad_token_id=0
    )[0, len(ids) :]
    return str(tokenizer.decode(out, skip_special_tokens=True))


def test_side_by_side_as_one_by_one(bench: Bench, tiny: tuple[Any, Any]) -> None:
    for number, ids in enumerate(PROMPTS):
        bench.ask(number, ids)
        bench.step()  # they join at different times
    texts = bench.run()
    assert [texts[n] for n in range(len(PROMPTS))] == [generated(*tiny, ids) for ids in PROMPTS]
    assert {ended.stop for ended in bench.ended.values()} == {"length"}
    assert len(set(texts.values())) == len(PROMPTS)


def test_one_leaves_and_the_others_go_on(bench: Bench, tiny: tuple[Any, Any]) -> None:
    for number, ids in enumerate(PROMPTS[:4]):
        bench.ask(number, ids, Sampling(max_tokens=3) if number == 1 else None)  # the longest
    while not bench.texts[2]:
        bench.step()
    bench.cancelled.add(0)
    texts = bench.run()
    assert bench.ended[0].stop == "cancelled" and bench.ended[1].stop == "length"
    for number in (2, 3):
        assert texts[number] == generated(*tiny, PROMPTS[number])


def test_a_kept_beginning_changes_nothing(bench: Bench, tiny: tuple[Any, Any]) -> None:
    first = prompt(5 * STEP + 40, 1)
    other = first[: 3 * STEP + 7] + prompt(90, 2)
    read: list[int] = []
    hook = tiny[0].register_forward_pre_hook(
        lambda _, __, given: read.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    try:
        bench.ask(0, first)
        bench.run()
        before = len(read)
        bench.ask(1, first)  # all of it is known, its last part is read again
        bench.ask(2, other)
        texts = bench.run()
    finally:
        hook.remove()
    assert read[:6] == [STEP] * 5 + [40]
    assert sorted(n for n in read[before:] if n > 1) == [40, 97]
    assert texts[1] == texts[0] and texts[2] == generated(*tiny, other)


def test_an_error_is_of_whoever_caused_it(bench: Bench, tiny: tuple[Any, Any]) -> None:
    bench.ask(0, PROMPTS[2])
    bench.ask(1, PROMPTS[3], adapter=Adapter("broken", "/nowhere"))
    with pytest.raises(GenerationError, match="room for 4096"):
        bench.ask(2, [5] * 4090)
    texts = bench.run()
    assert str(bench.ended[1].error) == "It is broken." and texts[1] == ""
    assert texts[0] == generated(*tiny, PROMPTS[2])


def test_a_pass_that_fails_ends_its_rows_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.ask(0, PROMPTS[0], Sampling(max_tokens=1))
    bench.ask(1, PROMPTS[5])
    bench.step()
    bench.step()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(bench.model, "forward", broken)
    bench.run()
    monkeypatch.undo()
    assert bench.ended[0].stop == "length"
    assert str(bench.ended[1].error) == "out of memory"
    bench.ask(3, PROMPTS[0])
    assert bench.run()[3]


def test_models_with_windows_are_written_apart() -> None:
    from transformers import MistralConfig

    plain, joins = caches.empty(
        MistralConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, sliding_window=64)
    )
    assert len(plain.layers) == 2 and not joins


def test_beginnings_make_room(tiny: tuple[Any, Any]) -> None:
    model = tiny[0]

    def read(ids: list[int]) -> Any:
        cache, _ = caches.empty(model.config)
        with torch.inference_mode():
            model(input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True)
        return cache

    one, two = prompt(STEP, 1), prompt(2 * STEP, 2)
    size = 2 * 2 * 2 * 16 * 4 * STEP  # layers, keys and values, heads, numbers, bytes, tokens
    kept = Beginnings(room=3 * size)
    kept.keep("a", one, read(one))
    kept.keep("a", two, read(two))
    assert kept.longest("a", [*one, 1])[0] == STEP
    assert kept.longest("b", [*one, 1])[0] == 0, "another adapter computes otherwise"
    assert kept.longest("a", one)[0] == 0, "something must be left to read"
    assert kept.longest("a", [*two[:STEP], 1, 2])[0] == STEP
    third = prompt(STEP, 3)
    kept.keep("a", third, read(third))  # the least recently used one goes
    assert kept.longest("a", [*one, 1])[0] == 0 and kept.longest("a", [*third, 1])[0] == STEP
    longer = third + prompt(STEP, 4)
    kept.keep("a", longer, read(longer))  # takes the place of its own beginning
    assert kept.longest("a", [*longer, 1])[0] == 2 * STEP


def test_nothing_is_kept_of_what_is_too_large(tiny: tuple[Any, Any]) -> None:
    kept = Beginnings(room=10)
    cache, _ = caches.empty(tiny[0].config)
    with torch.inference_mode():
        ids = prompt(STEP, 1)
        tiny[0](input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True)
    kept.keep("a", ids, cache)
    assert kept.longest("a", [*ids, 1]) == (0, ())


def test_words(tiny: tuple[Any, Any]) -> None:
    stream = WordStream(tiny[1])
    ids = tiny[1]("Ünïcode 茶 wörds end", add_special_tokens=False)["input_ids"]
    pieces = [stream.add(token) for token in ids]
    assert "".join(pieces) + stream.rest() == "Ünïcode 茶 wörds end"
    assert all(p == "" or p[-1].isspace() or p[-1] == "茶" for p in pieces)
