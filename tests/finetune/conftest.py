"""A tiny base model that trains in seconds, and the packaged one."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.models import find
from tests.tiny_models import make_model, models_folder

SAMPLES = Path(__file__).parents[2] / "samples" / "transcripts"


@pytest.fixture(scope="session")
def packaged() -> Path:
    """The cache of packaged models, pulled."""
    return models_folder()


@pytest.fixture(scope="session")
def tiny(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 3M random weights with the packaged tokenizer and template."""
    return make_model(tmp_path_factory.mktemp("tiny"), find(packaged, "SmolLM2-135M-Instruct"))
