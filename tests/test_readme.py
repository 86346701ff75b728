"""The READMEs say what the program does: commands, options, settings, files, and one structure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from ui.cli import zhike
from ui.settings import OWN, SECTIONS, ServerSettings, Settings

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOMES = {"home": "`~/.zhike`", "models": "`~/.cache/zhike/models`"}
FROM_FILE = {"samples": "`true`"}


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _prose(name: str) -> str:
    """Without code blocks, in which # is a comment."""
    return FENCE.sub("", _read(name))


def _rows(name: str) -> Iterator[list[str]]:
    """The cells of every table row."""
    for line in _prose(name).splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.split("|")[1:-1]]


def _commands(
    command: click.Command = zhike, path: tuple[str, ...] = ("zhike",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(inner, (*path, name))


def _options(command: click.Command) -> set[str]:
    found = (p for p in command.params if isinstance(p, click.Option))
    return {name for option in found for name in option.opts}


def _documented(name: str) -> dict[str, set[str]]:
    """Command → options, from the rows `zhike command ARGUMENT` | `--option` … | what it does."""
    found = {}
    for row in _rows(name):
        words = row[0].strip("`").split()
        if row[0].startswith("`zhike") and len(row) == 3:
            command = " ".join(word for word in words if word == word.lower())
            found[command] = set(re.findall(r"--[a-z-]+", row[1]))
    return found


@pytest.mark.parametrize("name", READMES)
def test_every_command_and_option_is_documented_and_no_other(name: str) -> None:
    assert _documented(name) == {path: _options(command) for path, command in _commands()}


@pytest.mark.parametrize("name", READMES)
def test_arguments_are_named_as_in_the_help(name: str) -> None:
    named = {
        " ".join(word for word in words if word == word.lower()): set(words[1:])
        for row in _rows(name)
        if row[0].startswith("`zhike") and len(row) == 3
        for words in [row[0].strip("`").split()]
    }
    for path, command in _commands():
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                metavar = str(parameter.name).upper() + ("…" if parameter.nargs == -1 else "")
                assert metavar in named[path], f"{name}: `{path}` takes {metavar}"


@pytest.mark.parametrize("name", READMES)
def test_every_use_of_the_command_is_one_that_exists(name: str) -> None:
    known = dict(_commands())
    for line in re.findall(r"zhike(?: +[^\s`|]+)+", _read(name)):
        words = line.split()
        path = "zhike"
        while len(words) > len(path.split()) and f"{path} {words[len(path.split())]}" in known:
            path = f"{path} {words[len(path.split())]}"
        used = set(re.findall(r"(?<!\S)--[a-z-]+", line.split("#")[0]))
        assert used <= _options(known[path]) | {"--help"}, f"{name}: {line}"
        if isinstance(known[path], click.Group) and len(words) > len(path.split()):
            after = words[len(path.split())]
            assert not re.fullmatch(r"[a-z]+", after), f"{name}: there is no `{path} {after}`"


def _settings() -> dict[str, tuple[str, str]]:
    """Key → default as in TOML, environment variable."""
    found = {
        key: (default, f"`ZHIKE_{key.upper()}`") for key, default in (HOMES | FROM_FILE).items()
    }
    for section, kind in SECTIONS.items():
        values = kind()
        for field in fields(kind):
            value = getattr(values, field.name)
            shown = json.dumps(list(value) if isinstance(value, tuple) else value)
            variable = f"`ZHIKE_{section.upper()}_{field.name.upper()}`"
            found[f"{section}.{field.name}"] = (f"`{shown}`", variable)
    return found


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_table_with_its_default(name: str) -> None:
    rows = [row for row in _rows(name) if len(row) == 4 and row[2].startswith("`ZHIKE_")]
    assert {row[0].strip("`"): (row[1], row[2]) for row in rows} == _settings()
    assert all(row[3] for row in rows)


def test_the_settings_table_knows_all_sections() -> None:
    """A section that is added to Settings must be added to SECTIONS, and so to the READMEs."""
    assert {field.name for field in fields(Settings)} == {*SECTIONS, *OWN}
    assert {*HOMES, *FROM_FILE} == OWN
    assert Settings(Path(), Path()).samples is True
    assert Settings(Path(), Path()).server == ServerSettings()


def _file_map(name: str) -> list[str]:
    blocks = [text for kind, text in FENCE.findall(_read(name)) if kind == "text"]
    assert len(blocks) == 1, f"{name}: the file map is the one block of kind text"
    return [line.split()[0] for line in blocks[0].splitlines() if line.strip()]


@pytest.mark.parametrize("name", READMES)
def test_every_file_of_the_map_exists_and_has_a_comment(name: str) -> None:
    paths = _file_map(name)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    wrong = [path for path in paths if path.endswith("/") != (ROOT / path).is_dir()]
    assert wrong == [], "folders end with a slash, files do not"
    assert len(set(paths)) == len(paths)
    block = next(text for kind, text in FENCE.findall(_read(name)) if kind == "text")
    assert [line for line in block.splitlines() if len(line.split()) < 2] == []


@pytest.mark.parametrize("name", READMES)
def test_every_path_that_is_named_exists(name: str) -> None:
    """In the text, and behind links and pictures."""
    packages = "chatbot|knowledge|finetune|ui|benchmarks|samples|tests"
    named = set(re.findall(rf"`((?:{packages})/[\w./-]*)`", _prose(name)))
    linked = set(re.findall(r"\]\(([^)#:]+)\)", _prose(name)))
    assert named
    assert linked
    assert sorted(path for path in named | linked if not (ROOT / path).exists()) == []


def test_both_have_the_same_structure() -> None:
    """Headings, tables, code blocks and pictures in the same order."""

    def structure(name: str) -> list[str]:
        text = FENCE.sub("```", _read(name))
        kinds = re.findall(r"^(#+) |^(```)|^(\|---)|^(\d)\. |^(- )", text, re.MULTILINE)
        return ["".join(kind) for kind in kinds]

    def headings(name: str) -> list[int]:
        return [len(marks) for marks in re.findall(r"^(#+) ", _prose(name), re.MULTILINE)]

    english, chinese = READMES
    assert headings(english) == headings(chinese)
    assert structure(english) == structure(chinese)
    assert _file_map(english) == _file_map(chinese)


def test_both_tables_have_the_same_number_of_rows() -> None:
    english, chinese = (list(_rows(name)) for name in READMES)
    assert [len(row) for row in english] == [len(row) for row in chinese]


@pytest.mark.parametrize("name", READMES)
def test_every_measured_figure_names_its_script(name: str) -> None:
    measured = re.search(r"^## (?:Measured|实测)\n(.+?)^## ", _read(name), re.MULTILINE | re.DOTALL)
    assert measured and "| golden | en |" in measured[1]
    named = set(re.findall(r"benchmarks/(\w+)\.py", measured[1]))
    scripts = {"answers", "turn", "start", "index", "retrieval", "training", "screen", "intents"}
    assert named == scripts | {
        "cleaning",
        "dialogues",
        "load",
        "updates",
        "sentiment",
        "injection",
        "quantise",
        "generation",
        "ingest",
        "search",
        "names",
        "page",
        "slots",
        "learning_curves",
    }
    assert all((ROOT / "benchmarks" / f"{script}.py").is_file() for script in named)
