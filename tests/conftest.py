"""Fixtures that every package's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before any OpenMP library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from knowledge.embedder import PackagedE5


@pytest.fixture(scope="session")
def embedder() -> PackagedE5:
    """The packaged multilingual-e5-small."""
    return PackagedE5()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty folder for the data of one test."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def models() -> Path:
    """The cache of packaged models; it outlives the tests."""
    return Path(os.environ.get("ZHIKE_MODELS", Path.home() / ".cache/zhike/models"))
