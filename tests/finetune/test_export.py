"""An exported model says what the adapter says, in the form that other programs read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from chatbot.errors import ModelError
from chatbot.model_files import folder_sha256
from chatbot.prompt import template_hash
from finetune import export as exporting
from finetune.errors import ExportError
from finetune.export import agreed, export
from finetune.foundation import Foundation
from finetune.registry import Run
from finetune.tuning import tokenizer_of
from tests.tiny_models import make_adapter


@pytest.fixture
def run(tiny: Path, packaged: Path, tmp_path: Path) -> Run:
    """A finished run whose adapter changes every answer."""
    adapter = make_adapter(tmp_path / "run" / "adapter", tiny)
    base = Foundation.of(packaged, str(tiny))
    card = {"template_hash": template_hash(tokenizer_of(tiny))}
    (adapter / "zhike.json").write_text(json.dumps(card), encoding="utf-8")
    (tmp_path / "run" / "dataset").mkdir()
    questions = ("Can I return opened tea?", "Where is my parcel?", "Do you ship to Norway?")
    rows = [{"question": q, "history": [["user", "Hi"]], "language": "en"} for q in questions]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "run" / "dataset" / "held_out.jsonl").write_text(text, encoding="utf-8")
    sha256 = folder_sha256(adapter)
    return Run(
        "march",
        "smoke",
        "done",
        "2026-01-31",
        base=str(tiny),
        base_sha256=base.sha256,
        path=str(adapter),
        sha256=sha256,
    )


def test_merged_says_what_the_adapter_says(run: Run, packaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = export(run, packaged, tmp_path / "run" / "dataset", "merged", out)
    assert made.agreement is not None and made.agreement >= 0.999 and made.tokens > 100
    assert made.size > 10_000_000 and made.folder == out
    model = AutoModelForCausalLM.from_pretrained(out, local_files_only=True)
    assert model.dtype == torch.float32 and not (out / "adapter_config.json").exists()
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert template_hash(tokenizer) == template_hash(tokenizer_of(Path(str(run.base))))
    # The base alone would not have passed: the comparison sees a difference.
    bare = AutoModelForCausalLM.from_pretrained(run.base, dtype=torch.float32).eval()
    prompt = tokenizer("Can I return opened tea?")["input_ids"]
    reply = exporting._greedy(model, prompt, tokenizer.eos_token_id)
    equal, total = agreed(bare, prompt, reply)
    assert equal < 0.9 * total and agreed(model, prompt, reply) == (total, total)


def test_a_merge_that_says_something_else_is_not_exported(
    run: Run, packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the adapter is lost on the way: the base alone is saved."""
    monkeypatch.setattr(
        PeftModelForCausalLM, "merge_and_unload", lambda self, **_: self.unload(), raising=False
    )
    with pytest.raises(ExportError, match="nothing was exported"):
        export(run, packaged, tmp_path / "run" / "dataset", "merged", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_peft_is_the_adapter_with_its_tokenizer(run: Run, packaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    made = export(run, packaged, tmp_path / "gone", "peft", out)
    assert made.agreement is None
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= {
        path.name for path in out.iterdir()
    }
    base = AutoModelForCausalLM.from_pretrained(run.base, local_files_only=True)
    assert PeftModelForCausalLM.from_pretrained(base, out).peft_config["default"].r == 4


def test_what_cannot_be_exported_is_one_sentence(
    run: Run, packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, out = tmp_path / "run" / "dataset", tmp_path / "out"
    with pytest.raises(ExportError, match="only a finished one"):
        export(replace(run, state="failed"), packaged, dataset, "peft", out)
    with pytest.raises(ExportError, match="not an empty folder"):
        export(run, packaged, dataset, "peft", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match="not on the PATH"):
        export(run, packaged, dataset, "gguf", out)
    with pytest.raises(ExportError, match="has changed since"):
        export(replace(run, base_sha256="0"), packaged, dataset, "merged", out)
    with pytest.raises(ModelError, match="not those that were promoted"):
        export(replace(run, sha256="0" * 64), packaged, dataset, "merged", out)
    assert not out.exists()


def test_gguf_goes_through_the_converter(
    run: Run, packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of that name that refuses: its last line is the reason."""
    program = tmp_path / "bin" / exporting.CONVERTER
    program.parent.mkdir()
    program.write_text("#!/usr/bin/env python3\nraise SystemExit('unknown architecture')\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    with pytest.raises(ExportError, match="failed: unknown architecture"):
        export(run, packaged, tmp_path / "run" / "dataset", "gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()
