"""A run's adapter for other programs: merged into its base, as PEFT files, or as GGUF."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from chatbot.generation.adapters import check_adapter
from chatbot.prompt import messages, render, template_hash
from chatbot.types import Message
from finetune.errors import ExportError
from finetune.foundation import Foundation
from finetune.registry import Run

Form = Literal["merged", "peft", "gguf"]
AGREEMENT = 0.999  # of greedy tokens, at least
PROMPTS = 10  # held-out questions that parity is measured with
TOKENS = 40  # of each reply
CONVERTER = "convert_hf_to_gguf.py"  # of llama.cpp
CARD = "zhike-export.json"


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and how closely it says what the run's adapter says."""

    run: str
    form: Form
    folder: Path
    size: int  # bytes
    agreement: float | None  # 0..1 of greedy tokens; None: the very files of the adapter
    tokens: int  # that were compared


def export(run: Run, models: Path, dataset: Path, form: Form, out: Path) -> Export:
    """Write the adapter of `run` to the new folder `out`, at once or not at all.

    `dataset` is the run's folder of that name. Raises ExportError, ModelError.
    """
    if run.state != "done" or run.path is None or run.base is None:
        raise ExportError(f"Run {run.name} is {run.state}; only a finished one can be exported.")
    if run.task != "dialogue":
        kind = "CRFsuite" if run.card.get("engine") == "crf" else "transformers"
        raise ExportError(f"Run {run.name} is a tagger: {run.path} is a {kind} model as is.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} exists already and is not an empty folder. Choose another.")
    converter = shutil.which(CONVERTER) if form == "gguf" else None
    if form == "gguf" and converter is None:
        raise ExportError(
            f"GGUF needs llama.cpp's {CONVERTER}, which is not on the PATH. Install llama.cpp, or "
            "export with --format merged and convert that folder elsewhere."
        )
    base = Foundation.of(models, run.base)
    if base.sha256 != run.base_sha256:
        raise ExportError(f"Run {run.name}: its base {run.base} has changed since. Train again.")
    tokenizer = _tokenizer(base.folder)
    names = {run.base, base.name, base.folder.name}
    check_adapter(Path(run.path), names, template_hash(tokenizer), run.sha256 or "")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=out.parent) as staging:
        built = Path(staging) / "built"
        if form == "peft":
            shutil.copytree(run.path, built)
            agreement, tokens = None, 0
        else:
            prompts = _prompts(dataset / "held_out.jsonl", tokenizer)
            agreement, tokens = _merged(base.folder, Path(run.path), built, tokenizer, prompts)
        tokenizer.save_pretrained(built)
        if converter is not None:
            built = _converted(converter, built, Path(staging) / "gguf", run.name)
        size = sum(path.stat().st_size for path in built.rglob("*") if path.is_file())
        made = Export(run.name, form, out.absolute(), size, agreement, tokens)
        card = asdict(made) | {"folder": out.name, "base": run.base, "base_sha256": base.sha256}
        (built / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
        if out.is_dir():
            out.rmdir()
        built.rename(out)
    return made


def _merged(
    base: Path, adapter: Path, built: Path, tokenizer: Any, prompts: Sequence[Sequence[int]]
) -> tuple[float, int]:
    """Base and adapter as one model in float32, read again from disk and compared.

    In bfloat16 the merged weights would be rounded, which changes replies.
    """
    import torch
    from peft import PeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    def load(folder: Path) -> Any:
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        ).eval()

    tuned = PeftModelForCausalLM.from_pretrained(load(base), adapter).eval()
    replies = [_greedy(tuned, prompt, tokenizer.eos_token_id) for prompt in prompts]
    tuned.merge_and_unload(safe_merge=True).save_pretrained(built, safe_serialization=True)
    again = load(built)
    found = [agreed(again, prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)]
    equal, total = sum(part for part, _ in found), sum(whole for _, whole in found)
    agreement = equal / total if total else 0.0
    if agreement < AGREEMENT:
        raise ExportError(
            f"The merged model agrees with the adapter on {agreement:.1%} of {total} tokens, less "
            f"than {AGREEMENT:.1%}; nothing was exported. Use --format peft."
        )
    return agreement, total


def agreed(model: Any, prompt: Sequence[int], reply: Sequence[int]) -> tuple[int, int]:
    """How many tokens of `reply` the model would choose at their places, and how many there are."""
    import torch

    ids = torch.tensor([[*prompt, *reply]], device=model.device)
    with torch.no_grad():
        chosen = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].argmax(-1).tolist()
    return sum(a == b for a, b in zip(chosen, reply, strict=True)), len(reply)


def _greedy(model: Any, prompt: Sequence[int], stop: int) -> list[int]:
    import torch

    ids = torch.tensor([prompt], device=model.device)
    with torch.no_grad():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=TOKENS,
            do_sample=False,
            eos_token_id=stop,
            pad_token_id=stop,
        )
    found: list[int] = out[0, ids.shape[1] :].tolist()
    return found


def _prompts(held_out: Path, tokenizer: Any) -> list[list[int]]:
    """Held-out questions with their history, as served."""
    try:
        rows = [json.loads(line) for line in held_out.read_text("utf-8").splitlines()[:PROMPTS]]
    except FileNotFoundError:
        raise ExportError(
            f"{held_out} is gone, so the merged model cannot be compared with the adapter. "
            "Use --format peft."
        ) from None
    chats = [
        messages(row["question"], [Message(r, t) for r, t in row["history"]], (), row["language"])
        for row in rows
    ]
    return [render(tokenizer, chat) for chat in chats]


def _converted(converter: str, model: Path, built: Path, name: str) -> Path:
    """A GGUF of 8 bits a weight, through llama.cpp's own script."""
    built.mkdir()
    command = [converter, str(model), "--outtype", "q8_0", "--outfile", str(built / f"{name}.gguf")]
    if converter.endswith(".py"):
        command.insert(0, sys.executable)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise ExportError(f"{CONVERTER} failed: {lines[-1]}")
    return built


def _tokenizer(folder: Path) -> Any:
    from finetune.tuning import tokenizer_of  # torch: slow

    return tokenizer_of(folder)
