"""What the sources may not do: import upwards, grow too long, run data as code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = ("ui", "finetune", "chatbot", "knowledge")  # each may import those behind it
OURS = (*ORDER, "tests", "benchmarks", "samples")
LONGEST = 400  # lines of a file
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "torch.load"}
UNSAFE_ARGUMENTS = {("trust_remote_code", True), ("allow_pickle", True), ("shell", True)}
UNSAFE_ARGUMENTS |= {("weights_only", False), ("sanitize_html", False), ("share", True)}


def _sources(*packages: str) -> list[Path]:
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    assert files
    return files


def _imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """(line, top-level name) of every import, also inside functions and by import_module()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").split(".")[0] if not node.level else package
        elif isinstance(node, ast.Call) and _name(node.func).endswith("import_module"):
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
            yield from ((node.lineno, str(name).split(".")[0]) for name in names)


def _name(node: ast.AST) -> str:
    """torch.load for the node of that expression; "?" for what has no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return "?"


def _upwards(source: str, package: str) -> list[str]:
    allowed = ORDER[ORDER.index(package) :]
    forbidden = {*OURS} - {*allowed}
    found = _imported(ast.parse(source), package)
    return [f"line {line} imports {name}" for line, name in found if name in forbidden]


def _unsafe(source: str) -> list[str]:
    tree = ast.parse(source)
    found = [
        f"line {line} imports {name}"
        for line, name in _imported(tree, "")
        if name in UNSAFE_MODULES
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if _name(node.func) in UNSAFE_CALLS:
                found.append(f"line {node.lineno} calls {_name(node.func)}")
            for word in node.keywords:
                value = word.value.value if isinstance(word.value, ast.Constant) else None
                if (word.arg, value) in UNSAFE_ARGUMENTS:
                    found.append(f"line {node.lineno} passes {word.arg}={value!r}")
        elif isinstance(node, ast.Dict):  # options that are passed on with **
            for key, item in zip(node.keys, node.values, strict=True):
                pair = tuple(n.value if isinstance(n, ast.Constant) else None for n in (key, item))
                if pair in UNSAFE_ARGUMENTS:
                    found.append(f"line {node.lineno} holds {pair[0]}={pair[1]!r}")
    return found


def _raw_html(source: str) -> list[str]:
    """Components that show HTML as it is, filled by anything but ui/render.py or a constant."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func).split(".")[-1] == "HTML":
            values = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "value")]
            for value in values:
                rendered = isinstance(value, ast.Call) and _name(value.func).startswith("render.")
                if not rendered and not isinstance(value, ast.Constant):
                    found.append(f"line {node.lineno} shows HTML that render.py did not make")
    return found


@pytest.mark.parametrize("package", ORDER)
def test_imports_go_one_way(package: str) -> None:
    found = {
        p.relative_to(ROOT): _upwards(p.read_text("utf-8"), package) for p in _sources(package)
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("package", ORDER)
def test_data_is_never_run_as_code(package: str) -> None:
    found = {p.relative_to(ROOT): _unsafe(p.read_text("utf-8")) for p in _sources(package)}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_html_is_made_in_one_place() -> None:
    found = {p.relative_to(ROOT): _raw_html(p.read_text("utf-8")) for p in _sources("ui")}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_file_is_too_long() -> None:
    lengths = {p.relative_to(ROOT): len(p.read_text("utf-8").splitlines()) for p in _sources(*OURS)}
    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}


def test_only_ui_prints() -> None:
    for path in _sources("knowledge", "chatbot", "finetune"):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [
            n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and _name(n.func) == "print"
        ]
        assert calls == [], path


@pytest.mark.parametrize(
    ("source", "package", "wrong"),
    [
        ("import chatbot.types", "knowledge", True),
        ("def f():\n    from ui.settings import load", "finetune", True),
        ("importlib.import_module('finetune.train')", "chatbot", True),
        ("from tests import tiny_models", "ui", True),
        ("from knowledge.types import Passage", "chatbot", False),
        ("from . import types", "knowledge", False),
        ("import json, numpy", "knowledge", False),
    ],
)
def test_an_upward_import_is_seen(source: str, package: str, wrong: bool) -> None:
    assert bool(_upwards(source, package)) is wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import pickle", True),
        ("from joblib import load", True),
        ("x = eval('1')", True),
        ("exec(code)", True),
        ("torch.load(path)", True),
        ("M.from_pretrained(x, trust_remote_code=True)", True),
        ("options = {'trust_remote_code': True}", True),
        ("np.load(path, allow_pickle=True)", True),
        ("M.from_pretrained(x, trust_remote_code=False)", False),
        ("model.eval()", False),
        ("model.to(device).eval()", False),
        ("re.compile('a')", False),
        ("weights.load(path)", False),
    ],
)
def test_running_data_as_code_is_seen(source: str, wrong: bool) -> None:
    assert bool(_unsafe(source)) is wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("gr.HTML(f'<b>{name}</b>')", True),
        ("gr.HTML(value=text)", True),
        ("gr.HTML(render.plain(text))", False),
        ("gr.HTML('<hr>')", False),
        ("gr.HTML()", False),
    ],
)
def test_html_made_elsewhere_is_seen(source: str, wrong: bool) -> None:
    assert bool(_raw_html(source)) is wrong
