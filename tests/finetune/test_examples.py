"""Training sees byte for byte what serving renders, and learns from the reply alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot.phrases import phrase
from chatbot.prompt import messages, render
from chatbot.types import Message
from finetune import config
from finetune.batches import IGNORED, Buckets, Collator, supervised_loss
from finetune.examples import Example, encode, encoded
from finetune.pairs import Pair
from finetune.tuning import adapted, tokenizer_of
from knowledge.types import Passage

HISTORY = (Message("user", "Hello"), Message("agent", "How may I help?"))
PAIR = Pair("c1", "en", HISTORY, "Can I return opened tea?", "Opened tea cannot be returned.")
PASSAGES = tuple(
    Passage(
        i, "d", "default", "returns.md", "Returns", "Returns", f"Opened tea, rule {i}. " * 9, "en"
    )
    for i in range(3)
)


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    return tokenizer_of(tiny)


def search(question: str) -> tuple[Passage, ...]:
    return PASSAGES if "tea" in question else ()


def test_prompt_is_the_served_one_and_the_reply_follows(tokenizer: Any) -> None:
    (example,), step = encode([PAIR], tokenizer, search, passages=2, max_tokens=2_000)
    served = render(tokenizer, messages(PAIR.question, HISTORY, PASSAGES[:2], "en"))
    assert list(example.prompt) == served and example.passages == 2 and step.removed == 0
    reply = tokenizer(PAIR.reply, add_special_tokens=False)["input_ids"]
    assert list(example.ids) == [*served, *reply, tokenizer.eos_token_id]
    assert example.supervised == len(reply) + 1


def test_last_supervised_token_is_the_stop_token_of_generation(tokenizer: Any, tiny: Path) -> None:
    example = encoded(PAIR, HISTORY, (), tokenizer)
    assert example is not None and example.ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode([example.ids[-1]]) == "<|im_end|>"
    assert adapted(tiny, config.load("smoke")).generation_config.eos_token_id == example.ids[-1]


def test_nothing_to_learn_is_refused_and_counted(tokenizer: Any) -> None:
    kept, step = encode([replace(PAIR, reply="")], tokenizer, None, 0, 2_000)
    assert not kept and step.removed == 1


def test_a_long_prompt_loses_passages_then_history_never_the_reply(tokenizer: Any) -> None:
    full = encode([PAIR], tokenizer, search, 3, 2_000)[0][0]
    bare = encoded(PAIR, (), (), tokenizer)
    assert bare is not None
    for limit, passages in ((len(full.ids) - 1, 2), (len(bare.ids), 0)):
        (example,), _ = encode([PAIR], tokenizer, search, 3, limit)
        assert example.passages == passages and len(example.ids) <= limit
        assert example.ids[-example.supervised :] == full.ids[-full.supervised :]
    assert encode([PAIR], tokenizer, search, 3, len(bare.ids) - 1)[1].removed == 1


def test_labels_cover_replies_only(tokenizer: Any) -> None:
    long = encoded(PAIR, HISTORY, PASSAGES, tokenizer)
    short = encoded(replace(PAIR, reply="No."), (), (), tokenizer)
    assert long and short
    batch = Collator(pad=0)([long, short])
    for row, example in enumerate((long, short)):
        labels = batch["labels"][row]
        kept = labels[labels != IGNORED].tolist()
        assert kept == list(example.ids[-example.supervised :])
        shared = batch["shared"][0].tolist()
        real = batch["attention_mask"][row].bool()[len(shared) :]
        assert [*shared, *batch["input_ids"][row][real].tolist()] == list(example.ids)
        positions = batch["position_ids"][row][real].tolist()
        assert positions == list(range(len(shared), len(example.ids)))
    assert len(shared) > 50  # the rules


@pytest.mark.parametrize("share", [True, False])
def test_padding_sharing_and_cutting_change_neither_loss_nor_gradient(
    tokenizer: Any, tiny: Path, share: bool
) -> None:
    """The whole-sequence loss of transformers itself is the oracle."""
    model = adapted(tiny, config.load("smoke")).float().eval()
    long = encoded(PAIR, HISTORY, PASSAGES, tokenizer)
    short = encoded(replace(PAIR, reply="No."), (), (), tokenizer)
    assert long and short
    together, count = supervised_loss(model, Collator(pad=0, share=share)([long, short]))
    together.backward()
    gradients = _gradients(model)
    apart = _oracle(model, long) + _oracle(model, short)
    apart.backward()
    assert count == long.supervised + short.supervised
    assert together.item() == pytest.approx(apart.item(), rel=1e-4)
    for name, gradient in _gradients(model).items():
        assert torch.allclose(gradient, gradients[name], rtol=1e-3, atol=1e-4), name


def _gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def _oracle(model: Any, example: Example) -> torch.Tensor:
    ids = torch.tensor([example.ids])
    labels = ids.clone()
    labels[:, : -example.supervised] = IGNORED
    loss: torch.Tensor = model(input_ids=ids, labels=labels).loss * example.supervised
    return loss


def test_buckets_visit_everything_once_with_little_padding() -> None:
    lengths = [(i * 37) % 200 + 20 for i in range(101)]
    buckets = Buckets(lengths, batch=4, seed=1)
    first, second = list(buckets), list(buckets)
    assert sorted(first) == sorted(second) == list(range(101)) and first != second
    assert list(Buckets(lengths, 4, 1)) == first
    padded = sum(
        max(lengths[i] for i in first[at : at + 4]) * len(first[at : at + 4])
        for at in range(0, 101, 4)
    )
    assert padded < 1.15 * sum(lengths)


def shop() -> tuple[list[Pair], Callable[[str], tuple[Passage, ...]]]:
    """Sixty questions on thirty documents, and a search that finds the right one."""
    names = [f"thing{i}" for i in range(30)]
    passages = {
        name: Passage(i, "d", "default", f"{name}.md", name, "", f"The {name} costs {i}.", "en")
        for i, name in enumerate(names)
    }
    pairs = [
        Pair(f"c{i}", "en", (), f"How much is {names[i % 30]}? {i}", f"It costs {i % 30}.")
        for i in range(60)
    ]
    return pairs, lambda question: (passages[question.split()[3].strip("?")],)


def test_a_distractor_has_the_last_place_and_the_right_passage_stays(tokenizer: Any) -> None:
    pairs, find = shop()
    found = [e for e in encode(pairs, tokenizer, find, 3, 2_000)[0] if not e.abstains]
    assert len(found) == 60
    for example in found:
        right = find(example.pair.question)[0].text
        assert right in example.evidence and len(example.evidence) == 2
    assert len({e.evidence.index(find(e.pair.question)[0].text) for e in found}) == 2


def test_some_questions_come_again_without_their_answer(tokenizer: Any) -> None:
    pairs, find = shop()
    examples = encode(pairs, tokenizer, find, 3, 2_000)[0]
    again = [example for example in examples if example.abstains]
    assert 2 <= len(again) <= 12
    for example in again:
        assert find(example.pair.question)[0].text not in example.evidence and example.evidence
        assert example.pair.reply == phrase("no_evidence", "en")
    assert examples == encode(pairs, tokenizer, find, 3, 2_000)[0]
    bare = max(len(e.ids) for e in encode(pairs, tokenizer, None, 0, 2_000)[0])
    assert not any(e.abstains for e in encode(pairs, tokenizer, find, 3, bare)[0])
    assert not any(e.abstains for e in encode(pairs, tokenizer, None, 3, 2_000)[0])
