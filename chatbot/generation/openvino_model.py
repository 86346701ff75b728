"""A causal model on the processor through OpenVINO, for `Batches` as one of transformers is."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from chatbot.errors import GenerationError
from chatbot.generation.adapters import KEPT, Adapters, names_of, require_fit
from chatbot.generation.openvino_graph import graph, matrices, openvino, replace
from chatbot.generation.protocol import Adapter
from chatbot.precision import computing

logger = logging.getLogger(__name__)
RETRY = 60.0  # seconds until an adapter that could not be prepared is tried again


class OpenVinoCache:
    """What was read and written of one answer; OpenVINO keeps it, so it is laid beside no other.

    Joining two answers of 700 tokens took .4 s, taking one out of them .3 s, as what is kept is
    copied out and in; writing on after a beginning reads new tokens half as fast.
    """

    def __init__(self, compiled: Any) -> None:
        self.request = compiled.create_infer_request()
        self.tokens = 0


class OpenVinoModel:
    """Called as a model of transformers is. Not thread-safe: belongs to the one that decodes."""

    device = torch.device("cpu")
    step = sys.maxsize  # tokens: a prompt is read at once, which takes half as long as in parts

    def __init__(self, folder: Path, bits: int, dense: Callable[[], Any], store: Path) -> None:
        """`bits` of the matrices: 0 and 8 are int8, 16 and 32 leave them as they are.

        `dense` loads the model of transformers in float32; `store` keeps what is made of it.
        """
        from transformers import AutoConfig, GenerationConfig

        self.config = AutoConfig.from_pretrained(folder, local_files_only=True)
        self.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
        self.dense, self._stored, self._bits = dense, 8 if bits in (0, 8) else 32, bits
        self._folder, self._store = folder, store
        self._base = self.compile(self._graph())
        self._used = self._base

    def _graph(self) -> Any:
        return graph(self._folder, self._stored, self.dense, self._store)

    def compile(self, made: Any) -> Any:
        """Ready to run, on as many threads as torch has here."""
        number = {16: torch.bfloat16, 32: torch.float32}.get(self._bits) or computing(self.device)
        short = "f32" if number is torch.float32 else "bf16"
        options = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": short,
            "KV_CACHE_PRECISION": short,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,  # activations stay as they are
        }
        return openvino.Core().compile_model(made, "CPU", options)

    def merged(self, weights: dict[str, np.ndarray[Any, Any]]) -> Any:
        """Compiled with these (outputs, inputs) matrices. Raises GenerationError for others."""
        made = self._graph()
        if others := sorted(weights.keys() - {name for name, _ in matrices(made)}):
            raise GenerationError(
                f"The adapter changes {others[0]}, which this engine keeps as it is. "
                'Set chatbot.generator_engine = "transformers".'
            )
        replace(made, weights, self._stored)
        return self.compile(made)

    @contextmanager
    def using(self, compiled: Any | None) -> Iterator[None]:
        """New caches belong to this one, or to the base."""
        self._used = self._base if compiled is None else compiled
        try:
            yield
        finally:
            self._used = self._base

    def empty(self) -> tuple[Any, bool]:
        """As `caches.empty`: a cache for one prompt, which may not be cut or laid beside others."""
        return OpenVinoCache(self._used), False

    def __call__(
        self,
        input_ids: torch.Tensor,
        past_key_values: OpenVinoCache,
        **_: Any,
    ) -> SimpleNamespace:
        """`logits` (rows, 1, vocabulary) of the token after the last."""
        rows, new = input_ids.shape
        begin, end = past_key_values.tokens, past_key_values.tokens + new
        past_key_values.request.infer(
            {
                "input_ids": input_ids.numpy(),
                "attention_mask": np.ones((rows, end), np.int64),
                "position_ids": np.tile(np.arange(begin, end), (rows, 1)),
                "rows": np.arange(rows, dtype=np.int32),
            },
            share_inputs=True,
        )
        past_key_values.tokens = end
        scores = past_key_values.request.get_output_tensor(0).data.copy()
        return SimpleNamespace(logits=torch.from_numpy(scores)[:, None])


class MergedAdapters:
    """LoRA adapters added to the weights: checked and prepared beside the answers, then switched.

    `use` belongs to the one thread that decodes.
    """

    def __init__(self, model: OpenVinoModel, name: str, folder: Path, template_hash: str) -> None:
        self._model, self._about = model, (name, folder, template_hash)
        self._ready: dict[Adapter, Any] = {}  # least recently used first
        self._failed: dict[Adapter, tuple[float, str]] = {}  # when, and why
        self._preparing: Adapter | None = None

    @contextmanager
    def use(self, adapter: Adapter | None) -> Iterator[None]:
        """Answer with this adapter, or with the base alone. Raises GenerationError until it can."""
        compiled = None
        if adapter is not None:
            compiled = self._ready.pop(adapter) if adapter in self._ready else self._begin(adapter)
            self._ready[adapter] = compiled
            while len(self._ready) > KEPT:
                del self._ready[next(iter(self._ready))]
        with self._model.using(compiled):
            yield

    def _begin(self, adapter: Adapter) -> Any:
        """Prepare it in the background, one at a time; always raises GenerationError."""
        when, reason = self._failed.get(adapter, (0.0, ""))
        if reason and time.monotonic() - when < RETRY:
            raise GenerationError(reason)
        name, folder, template_hash = self._about
        require_fit(adapter, names_of(name, folder), template_hash)
        if self._preparing is None:
            self._preparing = adapter
            threading.Thread(target=self._prepare, args=[adapter], daemon=True).start()
        raise GenerationError(
            f"Adapter {adapter.name!r} is being prepared. It answers in about half a minute."
        )

    def _prepare(self, adapter: Adapter) -> None:
        try:
            weights = Adapters(self._model.dense(), *self._about).merged(adapter)
            self._ready[adapter] = self._model.merged(weights)
            del weights
            self._failed.pop(adapter, None)
        except GenerationError as error:
            self._failed[adapter] = time.monotonic(), str(error)
        except Exception as error:  # an edge: told to whoever asks for the adapter
            logger.exception("adapter %s", adapter.name)
            reason = f"Adapter {adapter.name!r} could not be prepared ({error})."
            self._failed[adapter] = time.monotonic(), reason
        finally:
            gc.collect()  # PEFT's model refers to itself, so it would stay for long
            self._preparing = None
