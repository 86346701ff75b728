"""Versions: safe floors are installed, and what is pinned is at or above what is asked for."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from knowledge.database import VERSION, check_version
from knowledge.errors import DatabaseError
from ui.commands.doctor import FLOORS

ROOT = Path(__file__).parents[1]
SAFE = {  # below them: known holes or data loss
    "gradio": "6.20",
    "torch": "2.10",
    "pypdf": "6.10.2",
    "pysqlite3": "0.6.1",
    "sqlite-utils": "4.2",
}
OPTIONAL = {"hnswlib", "usearch"}  # only `make bench` installs them
EXCLUSIVE = {"faiss-cpu", "faiss-gpu"}  # two builds of one module: one of them is installed


def _asked_for() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        lines += extra
    return [Requirement(line) for line in lines]


def _pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line.split("#")[0].strip() for line in lines]
    pairs = [pin.split("==") for pin in pins if pin]
    assert all(len(pair) == 2 for pair in pairs), "constraints.txt holds exact versions only"
    return {canonicalize_name(name): Version(number) for name, number in pairs}


def _floor(requirement: Requirement) -> Version | None:
    floors = [Version(s.version) for s in requirement.specifier if s.operator == ">="]
    return max(floors, default=None)


@pytest.mark.parametrize(("name", "floor"), SAFE.items())
def test_installed_is_safe(name: str, floor: str) -> None:
    assert Version(version(name)) >= Version(floor)


@pytest.mark.parametrize(("name", "floor"), SAFE.items())
def test_nothing_older_is_asked_for(name: str, floor: str) -> None:
    (requirement,) = [r for r in _asked_for() if canonicalize_name(r.name) == name]
    asked = _floor(requirement)
    assert asked is not None and asked >= Version(floor)


def test_the_doctor_knows_the_floors() -> None:
    shared = FLOORS.keys() & SAFE.keys()
    assert {name: FLOORS[name] for name in shared} == {name: SAFE[name] for name in shared}
    assert len(shared) >= 4


@pytest.mark.parametrize("requirement", _asked_for(), ids=lambda r: str(r.name))
def test_every_direct_dependency_is_pinned_at_or_above_its_floor(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    pins = _pinned()
    if name == "faiss-gpu":
        assert pins["faiss-cpu"] >= (_floor(requirement) or Version("0"))  # same sources
        return
    assert name in pins, f"{name} is missing in constraints.txt"
    assert requirement.specifier.contains(pins[name], prereleases=True)


def test_what_is_installed_is_what_is_pinned() -> None:
    pins = _pinned()
    names = [canonicalize_name(r.name) for r in _asked_for()]
    present = {canonicalize_name(str(d.name)) for d in distributions()}
    wanted = [n for n in names if n not in EXCLUSIVE and (n in present or n not in OPTIONAL)]
    installed = {n: Version(version(n)).public for n in wanted}
    assert installed == {n: str(pins[n]) for n in installed}


def test_make_installs_the_pinned_torch_first() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    numbers = re.findall(r"\btorch==([\d.]+)", makefile)
    assert numbers and {Version(n) for n in numbers} == {_pinned()["torch"]}


@pytest.mark.parametrize("number", ["3.7.0", "3.40.1", "3.44.5", "3.50.6", "3.51.0", "3.51.2"])
def test_a_sqlite_that_corrupts_is_refused(number: str) -> None:
    with pytest.raises(DatabaseError, match=re.escape(number)) as caught:
        check_version(number)
    assert "Install" in str(caught.value)


@pytest.mark.parametrize("number", ["3.44.6", "3.50.7", "3.51.3", "3.53.4", "4.0.0", VERSION])
def test_a_sqlite_with_the_fix_is_accepted(number: str) -> None:
    check_version(number)
