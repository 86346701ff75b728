"""The packaged generator as it serves and in 8 bits: memory, speed, how nearly it says the same.

    python benchmarks/quantise.py

Greedy replies of the model as this machine serves it to a few requests are read again by the
8-bit one: the share of
tokens that it would choose too, and the perplexity of these replies for both. Speed is tokens per
second of processor time on one thread, in the same run.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from environment import described
from torch.nn import functional as F

from chatbot.generation.worker import load
from chatbot.models import find
from chatbot.prompt import messages, render
from ui.settings import load as settings

ASKED = (
    "How long is the warranty of a kettle?",
    "Write a polite reply to a customer whose parcel is late.",
    "What is green tea?",
    "Explain how to descale a kettle.",
    "A customer wants to return opened tea. What do you say?",
    "Which temperature is right for oolong?",
)
TOKENS = 60


def replies(model: Any, prompts: list[torch.Tensor]) -> tuple[list[torch.Tensor], float]:
    """Greedy replies, and tokens per second of processor time."""
    begin, found = time.process_time(), []
    for prompt in prompts:
        end = model.generation_config.eos_token_id
        said = model.generate(prompt, max_new_tokens=TOKENS, do_sample=False, pad_token_id=end)
        found.append(said[0, prompt.shape[1] :])
    return found, sum(map(len, found)) / (time.process_time() - begin)


@torch.no_grad()
def read(model: Any, prompts: list[torch.Tensor], said: list[torch.Tensor]) -> tuple[float, float]:
    """Share of tokens that it would choose, and their perplexity."""
    same = total = 0
    nats = 0.0
    for prompt, reply in zip(prompts, said, strict=True):
        whole = torch.cat([prompt, reply[None]], 1)
        logits = model(whole).logits[0, prompt.shape[1] - 1 : -1].float()
        same += int((logits.argmax(-1) == reply).sum())
        nats += float(F.cross_entropy(logits, reply, reduction="sum"))
        total += len(reply)
    return same / total, float(torch.tensor(nats / total).exp())


def stored(model: Any) -> int:
    """Bytes of the weights as they are kept, a tied one once."""
    seen: dict[int, int] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        parts = [getattr(tensor, name, None) for name in ("qdata", "scale")]
        for part in [p for p in parts if isinstance(p, torch.Tensor)] or [tensor]:
            seen[part.data_ptr()] = part.numel() * part.element_size()
    return sum(seen.values())


def main() -> None:
    torch.set_num_threads(1)
    folder: Path = find(settings().models, "SmolLM2-135M-Instruct")
    figures: dict[str, Any] = {}
    prompts: list[torch.Tensor] = []
    said: list[torch.Tensor] = []
    for bits in (0, 8):
        model, tokenizer = load(folder, bits)
        prompts = prompts or [
            torch.tensor([render(tokenizer, messages(text, (), (), "en"))]) for text in ASKED
        ]
        own, speed = replies(model, prompts)
        said = said or own
        agreement, perplexity = read(model, prompts, said)
        figures[f"{bits} bits" if bits else str(model.dtype)] = {
            "megabytes": round(stored(model) / 2**20),
            "tokens_per_cpu_second": round(speed, 1),
            "agreement": round(agreement, 4),
            "perplexity": round(perplexity, 4),
        }
    print(described(figures))


if __name__ == "__main__":
    main()
