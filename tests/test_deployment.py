"""The Dockerfile and the systemd unit name commands, paths and settings that exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from ui.cli import zhike
from ui.commands.serve import GRACE
from ui.settings import ServerSettings, load

ROOT = Path(__file__).parents[1]
DOCKER = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
UNIT = (ROOT / "samples/zhike.service").read_text("utf-8")


def instructions(name: str) -> list[str]:
    return re.findall(rf"^\s*{name}\s+(.+)$", DOCKER, re.MULTILINE)


def unit(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.+)$", UNIT, re.MULTILINE)


def check(command: list[str]) -> None:
    """Click takes these words: the command exists and so does every option."""
    assert Path(command[0]).name == "zhike"
    context = click.Context(zhike)
    name, found, rest = zhike.resolve_command(context, command[1:])
    assert found is not None and name
    found.make_context(name, rest, resilient_parsing=False)


def test_the_image_starts_a_command_that_exists() -> None:
    (command,) = (c for c in instructions("CMD") if "zhike" in c and "urllib" not in c)
    check(json.loads(command))


def test_the_image_offers_the_port_that_the_server_takes() -> None:
    assert instructions("EXPOSE") == [str(ServerSettings().port)]
    assert f":{ServerSettings().port}/healthz" in DOCKER


def test_the_image_gets_what_it_copies_and_the_torch_that_is_pinned() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    for line in instructions("COPY"):
        *sources, _ = [word for word in shlex.split(line) if not word.startswith("--")]
        for source in sources:
            assert (ROOT / source).exists() and f"!{source}" in ignored, source
    pinned = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert pinned and f"torch=={pinned[1]}" in DOCKER and f"torch=={pinned[1]}" in makefile


def test_the_image_holds_every_package() -> None:
    copied = {line.split()[-1] for line in instructions("COPY")}
    packages = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= copied


def test_the_image_keeps_its_home_in_the_volume_and_is_not_root() -> None:
    (user,) = instructions("USER")
    assert user != "root"
    assert instructions("VOLUME") == [f"/home/{user}/.zhike"]
    assert load({"HOME": f"/home/{user}"}).home.name == ".zhike"


def test_the_unit_starts_a_command_that_exists() -> None:
    (command,) = unit("ExecStart")
    check(shlex.split(command))


@pytest.mark.parametrize("source", ["image", "unit"])
def test_only_settings_that_exist_are_set(source: str) -> None:
    lines = instructions("ENV") if source == "image" else unit("Environment")
    pairs: list[tuple[str, str]] = re.findall(r"\b(ZHIKE_\w+)=(\S+)", " ".join(lines))
    assert pairs
    load(dict(pairs))


def test_the_unit_waits_longer_than_open_answers_do() -> None:
    assert int(unit("TimeoutStopSec")[0]) > GRACE
    home = dict(line.split("=", 1) for line in unit("Environment"))["ZHIKE_HOME"]
    assert any(home.startswith(path) for path in unit("ReadWritePaths")[0].split())
