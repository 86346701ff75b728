"""LoRA adapters of one loaded model: checked, loaded on first use, switched per request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

from chatbot.errors import GenerationError, ModelError
from chatbot.generation.protocol import Adapter
from chatbot.model_files import check_weights, folder_sha256

KEPT = 4  # loaded side by side: base + current + a canary + one to compare with


class Adapters:
    """Not thread-safe: belongs to the one thread that decodes."""

    def __init__(self, model: Any, name: str, folder: Path, template_hash: str) -> None:
        self._model = model
        self._names = names_of(name, folder)
        self._template_hash = template_hash
        # As saved, in bfloat16, unless the base is float32: a mixture slows every token.
        self._wide = str(model.dtype) == "torch.float32"
        self._peft: Any = None
        self._loaded: dict[Adapter, str] = {}  # least recently used first
        self._count = 0

    @contextmanager
    def use(self, adapter: Adapter | None) -> Iterator[None]:
        """Answer with this adapter, or with the base alone. Raises GenerationError."""
        if adapter is None and self._peft is not None:
            layers = self._peft.base_model  # PeftModel.disable_adapter fails after a deletion
            layers.disable_adapter_layers()
            try:
                yield
            finally:
                layers.enable_adapter_layers()
            return
        if adapter is not None:
            key = self._loaded.pop(adapter, None) or self._load(adapter)
            self._loaded[adapter] = key
            self._peft.set_adapter(key, inference_mode=True)
        yield

    def merged(self, adapter: Adapter) -> dict[str, Any]:
        """(outputs, inputs) float32 arrays of the matrices that it changes, by parameter's name.

        The model itself is changed. Raises GenerationError.
        """
        with self.use(adapter):
            config, tuner = self._peft.active_peft_config, self._peft.base_model
            if config.bias != "none" or config.modules_to_save or tuner.targeted_parameter_names:
                raise GenerationError(
                    f"Adapter {adapter.name!r} changes more than matrices of layers, which this "
                    'engine cannot. Set chatbot.generator_engine = "transformers".'
                )
            names = [f"{module}.weight" for module in tuner.targeted_module_names]
            model = self._peft.merge_and_unload()
        return {name: model.get_parameter(name).detach().float().numpy() for name in names}

    def _load(self, adapter: Adapter) -> str:
        require_fit(adapter, self._names, self._template_hash)
        from peft import LoraConfig, PeftModelForCausalLM

        config = LoraConfig.from_pretrained(adapter.path)
        config.inference_mode = True
        self._count += 1
        key = f"adapter{self._count}"  # names may hold dots, which PEFT's module names may not
        try:
            if self._peft is None:
                self._peft = PeftModelForCausalLM(
                    self._model, config, adapter_name=key, autocast_adapter_dtype=self._wide
                )
            result = self._peft.load_adapter(
                adapter.path,
                adapter_name=key,
                torch_device=str(self._model.device),
                autocast_adapter_dtype=self._wide,
            )
            if result.missing_keys or result.unexpected_keys:
                raise ValueError("its tensors have other names")
        except (RuntimeError, ValueError, KeyError, OSError) as error:
            if self._peft is not None and key in self._peft.peft_config:
                self._peft.delete_adapter(key)
            reason = str(error).strip().splitlines()[0]
            raise GenerationError(
                f"Adapter {adapter.name!r} does not fit the model ({reason}). Train it again."
            ) from error
        while len(self._loaded) >= KEPT:
            oldest = next(iter(self._loaded))
            self._peft.delete_adapter(self._loaded.pop(oldest))
        return key


def names_of(name: str, folder: Path) -> set[str]:
    """By which an adapter may name its base."""
    return {name, PurePath(name).name, folder.name}


def require_fit(adapter: Adapter, bases: set[str], template_hash: str) -> None:
    """As `check_adapter`, for who asked for an answer. Raises GenerationError."""
    try:
        check_adapter(Path(adapter.path), bases, template_hash, adapter.sha256)
    except ModelError as error:
        raise GenerationError(f"Adapter {adapter.name!r} is not used: {error}") from error


def check_adapter(folder: Path, bases: set[str], template_hash: str, sha256: str = "") -> None:
    """Raise ModelError unless the folder is a LoRA adapter of this base and this prompt."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such folder. Promote another run.")
    check_weights(folder)
    config = _read(folder / "adapter_config.json")
    if config.get("peft_type") != "LORA" or config.get("megatron_config"):
        raise ModelError(f"{folder}: only plain LoRA adapters are accepted.")
    if config.get("auto_mapping"):
        raise ModelError(
            f"{folder}: the adapter names code of its own (auto_mapping); not allowed."
        )
    base = str(config.get("base_model_name_or_path", ""))
    if base not in bases and PurePath(base).name not in bases:
        raise ModelError(f"{folder}: it was trained for {base!r}, the model is {min(bases)!r}.")
    card = _read(folder / "zhike.json") if (folder / "zhike.json").exists() else {}
    if card.get("template_hash", template_hash) != template_hash:
        raise ModelError(f"{folder}: it was trained with another prompt template. Train it again.")
    if sha256 and folder_sha256(folder) != sha256:
        raise ModelError(f"{folder}: its files are not those that were promoted.")


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}).") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: has no JSON object.")
    return value
