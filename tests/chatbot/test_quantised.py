"""A generator whose weights are kept in 8 bits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from chatbot.errors import GenerationError
from chatbot.generation import worker
from chatbot.generation.protocol import Adapter, Generation, Sampling
from chatbot.generation.transformers_engine import TransformersGenerator
from chatbot.model_files import folder_sha256
from tests.tiny_models import make_adapter, make_model, models_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny.llama-8"
    return make_model(folder, models_folder() / "SmolLM2-135M-Instruct")


def test_the_packaged_model_in_half_the_memory_says_nearly_the_same() -> None:
    """Greedy tokens of the 16-bit model, as the 8-bit one would choose them."""
    folder = models_folder() / "SmolLM2-135M-Instruct"
    plain, tokenizer = worker.load(folder)
    asked = tokenizer("Tea is kept in a dry place because", return_tensors="pt").input_ids
    said = plain.generate(asked, max_new_tokens=48, do_sample=False)
    with torch.no_grad():
        wanted = plain(said).logits[0, :-1].argmax(-1)
    small, _ = worker.load(folder, 8)
    with torch.no_grad():
        got = small(said).logits[0, :-1].argmax(-1)
    assert (got == wanted).float().mean() >= 0.9
    kinds = {
        type(module.weight).__name__ for module in small.modules() if hasattr(module, "in_features")
    }
    assert any("Int8" in kind or "Quantized" in kind for kind in kinds)


def test_it_answers_with_and_without_an_adapter(tiny: Path, tmp_path: Path) -> None:
    path = make_adapter(tmp_path / "run-1", tiny, seed=1)
    adapter = Adapter("run-1", str(path), folder_sha256(path))
    engine = TransformersGenerator(tiny.parent, str(tiny), languages=frozenset({"en"}), bits=8)
    engine.start()
    try:
        assert engine.wait(120), engine.status

        def answer(which: Adapter | None) -> str:
            request = Generation(
                "How long?", (), (), "en", adapter=which, sampling=Sampling(max_tokens=12)
            )
            return "".join(piece.text for piece in engine.stream(request))

        base = answer(None)
        assert base and answer(adapter) != base and answer(None) == base
    finally:
        engine.close()


def test_without_its_library_one_sentence_says_what_to_do(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(GenerationError, match="pip install torchao"):
        worker.load(tiny, 8)
