"""OpenVINO says what transformers says: batches, adapters, what is kept, what is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from chatbot.app import build
from chatbot.errors import GenerationError
from chatbot.generation import caches
from chatbot.generation.batch import Batches
from chatbot.generation.openvino_graph import graph
from chatbot.generation.openvino_model import OpenVinoModel
from chatbot.generation.protocol import Adapter, Generation, Sampling
from chatbot.generation.transformers_engine import TransformersGenerator
from chatbot.generation.worker import load, load_model
from chatbot.model_files import folder_sha256
from chatbot.settings import ChatbotSettings
from tests.chatbot.test_batch import PROMPTS, Bench, NoAdapters, generated, prompt
from tests.tiny_models import make_adapter, make_model, models_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny.llama-1"
    return make_model(folder, models_folder() / "SmolLM2-135M-Instruct")


@pytest.fixture(scope="module")
def exact(tiny: Path) -> tuple[Any, Any]:
    return load(tiny, 32)


@pytest.fixture(scope="module")
def model(tiny: Path) -> OpenVinoModel:
    return OpenVinoModel(tiny, 32, lambda: load_model(tiny, 32), tiny.parent / "openvino")


def engine_of(tiny: Path, bits: int = 32) -> TransformersGenerator:
    return TransformersGenerator(
        tiny.parent, str(tiny), languages=frozenset({"en"}), bits=bits, engine="openvino"
    )


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Iterator[TransformersGenerator]:
    generator = engine_of(tiny)
    generator.start()
    assert generator.wait(120), generator.status
    yield generator
    generator.close()


def bench_of(model: OpenVinoModel, tokenizer: Any) -> Bench:
    bench = Bench(model, tokenizer)
    bench.batches = Batches(model, NoAdapters(), model.empty, model.step)
    return bench


def never() -> Any:
    raise AssertionError("it was converted again")


def read(model: Any, cache: Any, ids: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        scores: torch.Tensor = model(
            input_ids=torch.tensor(ids), past_key_values=cache, use_cache=True, logits_to_keep=1
        ).logits[:, -1]
    return scores


# Answers


def test_side_by_side_as_transformers_one_by_one(
    model: OpenVinoModel, exact: tuple[Any, Any]
) -> None:
    bench = bench_of(model, exact[1])
    for number, ids in enumerate(PROMPTS):
        bench.ask(number, ids)
        bench.step()  # they join at different times
    texts = bench.run()
    assert [texts[n] for n in range(len(PROMPTS))] == [generated(*exact, ids) for ids in PROMPTS]


def test_int8_is_near(tiny: Path, exact: tuple[Any, Any], tmp_path: Path) -> None:
    """Weights are off by half a step of 127 at most: scores by about one part in a hundred."""
    small = OpenVinoModel(tiny, 8, lambda: load_model(tiny, 32), tmp_path)
    ids = [prompt(60, 5)]
    wanted = read(exact[0], caches.empty(exact[0].config)[0], ids)
    got = read(small, small.empty()[0], ids)
    off = (got - wanted).norm() / wanted.norm()
    assert 1e-4 < off < 0.05
    (kept,) = tmp_path.glob("*/model.bin")
    weights = sum(t.numel() * t.element_size() for t in exact[0].parameters())
    assert kept.stat().st_size < 0.7 * weights  # its word vectors stay as they are


# Adapters


def ask(adapter: Adapter | None = None) -> Generation:
    sampling = Sampling(max_tokens=12)
    return Generation("How long?", (), (), "en", adapter=adapter, sampling=sampling)


def text(engine: TransformersGenerator, request: Generation) -> str:
    return "".join(piece.text for piece in engine.stream(request))


def patient(engine: TransformersGenerator, request: Generation) -> str:
    """The answer when the adapter is ready; until then the engine says that it is not."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            return text(engine, request)
        except GenerationError as error:
            if "is being prepared" not in str(error):
                raise
            time.sleep(0.1)
    raise AssertionError("the adapter never came")


def test_adapters_answer_as_in_transformers_without_a_restart(
    engine: TransformersGenerator, tiny: Path, tmp_path: Path
) -> None:
    base = text(engine, ask())
    plain = TransformersGenerator(tiny.parent, str(tiny), languages=frozenset({"en"}), bits=32)
    plain.start()
    try:
        assert plain.wait(120), plain.status
        assert text(plain, ask()) == base
        for seed in (1, 2):
            path = make_adapter(tmp_path / f"run-{seed}", tiny, seed=seed)
            adapter = Adapter(f"run-{seed}", str(path), folder_sha256(path))
            with pytest.raises(GenerationError, match=r"is being prepared\. It answers in about"):
                text(engine, ask(adapter))
            assert text(engine, ask()) == base, "others go on meanwhile"
            assert patient(engine, ask(adapter)) == text(plain, ask(adapter)) != base
            assert text(engine, ask()) == base
    finally:
        plain.close()


def test_an_adapter_that_must_not_load(
    engine: TransformersGenerator, tiny: Path, tmp_path: Path
) -> None:
    good = make_adapter(tmp_path / "good", tiny)
    base = text(engine, ask())

    def changed(name: str, **config: object) -> Adapter:
        folder = tmp_path / name
        shutil.copytree(good, folder)
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | config))
        return Adapter(name, str(folder))

    for adapter, reason in (
        (changed("other-base", base_model_name_or_path="owner/another"), "was trained for"),
        (replace(changed("swapped"), sha256="0" * 64), "not those that were promoted"),
        (changed("misfit", r=8), "does not fit the model"),
        (changed("bias", bias="lora_only"), "changes more than matrices"),
    ):
        with pytest.raises(GenerationError, match=reason):
            patient(engine, ask(adapter))
    assert text(engine, ask()) == base


# What is kept


def test_it_is_converted_once_and_again_when_the_model_changes(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    store = tmp_path / "store"
    graph(folder, 8, lambda: load_model(folder, 32), store)
    graph(folder, 8, never, store)
    with (folder / "generation_config.json").open("a") as file:
        file.write("\n")
    with pytest.raises(AssertionError, match="it was converted again"):
        graph(folder, 8, never, store)
    assert graph(folder, 8, lambda: load_model(folder, 32), store)
    (kept,) = store.glob("model-*")
    assert {path.name for path in store.iterdir()} == {kept.name, "lock"}


def test_a_store_that_cannot_be_written_costs_time_only(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file in its place")
    made = graph(tiny, 8, lambda: load_model(tiny, 32), tmp_path / "store")
    assert made.input("input_ids") is not None


def test_a_model_with_windows_is_refused(tmp_path: Path) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=100, hidden_size=32, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, sliding_window=64,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(tmp_path / "model")
    with pytest.raises(GenerationError, match='generator_engine = "transformers"'):
        graph(tmp_path / "model", 8, lambda: load_model(tmp_path / "model", 32), tmp_path / "store")


# Where it is missing


def test_without_openvino_one_sentence_says_what_to_do(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openvino.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chosen = ChatbotSettings(
        str(tiny), generator_engine="openvino", generator_languages=("en",), answers="generate"
    )
    app = build(tmp_path / "home", tmp_path / "models", chatbot=chosen)
    generator = app.generator
    assert generator is not None and generator.name == f"openvino:{tiny.name}"
    generator.start()
    try:
        end = time.monotonic() + 60
        while "pip install" not in generator.status and time.monotonic() < end:
            time.sleep(0.05)
        (problem,) = app.health().problems
        assert 'generator_engine = "openvino" needs OpenVINO. Run `pip install openvino`' in problem
        assert "Answers are quoted meanwhile." in problem and "\n" not in problem
        with pytest.raises(GenerationError, match="pip install openvino"):
            list(generator.stream(ask()))
    finally:
        app.close()


def test_nothing_is_reported_to_its_maker(tiny: Path, tmp_path: Path) -> None:
    """The converter's own reports need a package that is never loaded here."""
    program = (
        "import sys; from pathlib import Path\n"
        "from chatbot.generation.openvino_graph import graph\n"
        "from chatbot.generation.worker import load_model\n"
        "folder, store = map(Path, sys.argv[1:])\n"
        "graph(folder, 8, lambda: load_model(folder, 32), store)\n"
        "assert 'openvino.tools.ovc.telemetry_utils' in sys.modules\n"
        "assert not [m for m in sys.modules if m.startswith('openvino_telemetry.')]\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
    )
    command = [sys.executable, "-c", program, str(tiny), str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
