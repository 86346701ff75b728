"""Mistakes that people make when they tune a model, each of which must not pass unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModelForCausalLM
from transformers import AutoModelForCausalLM

from finetune import config
from finetune.adapter import Card, halve, save
from finetune.batches import IGNORED, Collator, supervised_loss
from finetune.errors import TrainingError
from finetune.examples import Example, encoded
from finetune.pairs import Pair
from finetune.tuning import Progress, Tuner, adapted, arguments_of, tokenizer_of

ASKED = (
    ("Can I return opened tea?", "Opened tea cannot be returned."),
    ("When is my parcel here?", "It arrives in four to seven days, and you get a message."),
    ("Hello, is anyone there?", "Yes."),
    ("The kettle leaks.", "I am sorry. Please send a picture, then we replace it."),
    ("Which tea has no caffeine?", "Rooibos and all fruit teas."),
    ("Do you ship to Norway?", "Yes, for 29 dollars."),
    ("I want my money back", "It is back on your card within five days after we have the parcel."),
    ("Where is my invoice?", "In the second e-mail that we sent."),
)


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    return tokenizer_of(tiny)


@pytest.fixture(scope="module")
def examples(tokenizer: Any) -> list[Example]:
    pairs = (Pair(f"c{n}", "en", (), q, a) for n, (q, a) in enumerate(ASKED))
    found = [encoded(pair, (), (), tokenizer) for pair in pairs]
    return [example for example in found if example is not None]


def trained(
    tiny: Path, examples: list[Example], batch: int, accumulate: int, folder: Path, steps: int = 1
) -> tuple[Any, list[float]]:
    """A float32 model after some steps on `examples`, and the losses that were reported."""
    preset = replace(config.load("smoke"), batch=batch, accumulate=accumulate)
    model = adapted(tiny, preset).float()
    losses: list[float] = []
    progress = Progress(
        preset, steps + 1, 1e9, lambda: 0.0, lambda m: losses.append(m.loss or 0.0)
    )  # one step more than made, so that the last does not have a rate of zero
    arguments = arguments_of(preset, steps, folder, bf16=False)  # rounding would hide differences
    tuner = Tuner(progress, 0, model=model, args=arguments, train_dataset=examples)
    tuner.remove_callback_of_printing()
    tuner.add_callback(progress)
    tuner.train()
    return model, losses


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.detach().float() for n, p in model.named_parameters() if "lora_" in n}


def test_eight_at_once_equals_eight_times_one(
    tiny: Path, examples: list[Example], tmp_path: Path
) -> None:
    """The loss is divided by the supervised tokens of the step, not of each small batch."""
    at_once, one_loss = trained(tiny, examples, 8, 1, tmp_path / "a")
    in_turn, other_loss = trained(tiny, examples, 1, 8, tmp_path / "b")
    assert one_loss == pytest.approx(other_loss, abs=1e-4) and one_loss[0] > 1
    fresh = weights(adapted(tiny, config.load("smoke")))
    moved = 0.0
    for name, value in weights(at_once).items():
        # Adam's first step is the sign of the gradient times the rate, so compare what moved.
        assert torch.allclose(value, weights(in_turn)[name], atol=1e-4), name
        moved += float((value - fresh[name]).norm())
    assert moved > 0.01


def test_a_batch_with_nothing_to_learn_stops_the_run(tiny: Path, examples: list[Example]) -> None:
    model = adapted(tiny, config.load("smoke"))
    batch = Collator(0)(examples[:2])
    batch["labels"].fill_(IGNORED)
    with pytest.raises(TrainingError, match="no token to learn from"):
        supervised_loss(model, batch)


def test_rows_of_a_batch_do_not_see_each_other(tiny: Path, examples: list[Example]) -> None:
    """Nothing is packed into one row: a neighbour changes neither the loss nor the gradient."""
    model = adapted(tiny, config.load("smoke")).float().eval()
    seen = []
    for neighbour in (examples[1], examples[3]):
        batch = Collator(0)([examples[0], neighbour])
        assert len(batch["input_ids"]) == 2
        batch["labels"][1] = IGNORED  # only the first row counts
        loss, count = supervised_loss(model, batch)
        loss.backward()
        assert count == examples[0].supervised
        found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        seen.append((loss.item(), found))
        model.zero_grad()
    assert seen[0][0] == pytest.approx(seen[1][0], rel=1e-5)
    for name, gradient in seen[0][1].items():
        assert torch.allclose(gradient, seen[1][1][name], rtol=1e-3, atol=1e-5), name


def test_an_adapter_that_was_not_moved_is_refused(tiny: Path) -> None:
    model = adapted(tiny, config.load("smoke"))
    with pytest.raises(TrainingError, match="was not moved"):
        halve(model)


def test_a_lost_loss_ends_the_run(tiny: Path, examples: list[Example], tmp_path: Path) -> None:
    broken = adapted(tiny, config.load("smoke")).float()
    with torch.no_grad():
        broken.get_output_embeddings().weight.fill_(float("nan"))
    preset = config.load("smoke")
    progress = Progress(preset, 2, 1e9, lambda: 0.0, lambda m: None)
    arguments = arguments_of(preset, 2, tmp_path)
    tuner = Tuner(progress, 0, model=broken, args=arguments, train_dataset=examples)
    tuner.add_callback(progress)
    with pytest.raises(TrainingError, match="loss became nan at step 1"):
        tuner.train()


def test_what_is_loaded_again_says_the_same(
    tiny: Path, examples: list[Example], tmp_path: Path
) -> None:
    model, losses = trained(tiny, examples, 8, 1, tmp_path / "work", steps=4)
    assert losses[-1] < losses[0]
    halve(model)
    save(model, Card("r", str(tiny), "0", "0", "0"), tmp_path)
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32, local_files_only=True)
    again = PeftModelForCausalLM.from_pretrained(
        base, tmp_path / "adapter", autocast_adapter_dtype=False
    )
    ids = torch.tensor([examples[3].ids])
    model.float()  # as `again` computes: the numbers are those that were saved
    with torch.no_grad():
        said, loaded = model.eval()(ids).logits, again.eval()(ids).logits
        with again.disable_adapter():
            bare = again(ids).logits
    assert torch.equal(said, loaded) and not torch.allclose(bare, loaded, atol=1e-3)
    assert len(weights(again)) == len(weights(model)) > 0
    for name, value in weights(model).items():
        assert torch.equal(value, weights(again)[name]), name
