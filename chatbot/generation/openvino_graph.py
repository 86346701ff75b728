"""A causal model of transformers as an OpenVINO graph with int8 weights, made once and kept."""

from __future__ import annotations

import hashlib
import logging
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from chatbot.errors import GenerationError
from chatbot.generation import caches
from chatbot.model_files import folder_sha256, publish

# OpenVINO's converter reports its runs to a server of its maker; without this package it cannot.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

try:
    import openvino as openvino
    from openvino import opset13 as ops
    from openvino._offline_transformations import apply_make_stateful_transformation
except ImportError as error:
    raise GenerationError(
        'chatbot.generator_engine = "openvino" needs OpenVINO. Run `pip install openvino`, or '
        "leave the setting out."
    ) from error

logger = logging.getLogger(__name__)
FORMAT = "1"  # of what `_graph` makes: another one is made anew
HIDDEN = torch.finfo(torch.float32).min / 2  # added to the score of a token that is not attended to
PARAMETERS = "self.model."  # before a parameter's name in the graph


class _Traced(torch.nn.Module):
    """The model with its cache as plain tensors, for the converter to trace."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past: list[torch.Tensor],
    ) -> tuple[torch.Tensor, ...]:
        """(rows, vocabulary) scores of the next token, then keys and values of every layer."""
        known, width = past[0].shape[2], attention_mask.shape[1]
        columns, rows = torch.arange(width), torch.arange(known, width)
        seen = (columns[None, :] <= rows[:, None])[None, None]
        seen = seen & attention_mask[:, None, None, :].bool()
        result = self.model(
            input_ids=input_ids,
            # In numbers: with truth values OpenVINO reads a prompt half as fast.
            attention_mask=torch.where(seen, torch.tensor(0.0), torch.tensor(HIDDEN)),
            position_ids=position_ids,
            past_key_values=Cache(layers=list(map(_layer, past[::2], past[1::2]))),
            use_cache=True,
            logits_to_keep=1,
        )
        layers = result.past_key_values.layers
        return (result.logits[:, -1], *(t for layer in layers for t in (layer.keys, layer.values)))


def _layer(keys: torch.Tensor, values: torch.Tensor) -> DynamicLayer:
    layer = DynamicLayer()
    layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
    layer.keys, layer.values = keys, values
    return layer


def graph(folder: Path, bits: int, dense: Callable[[], Any], store: Path) -> Any:
    """The model of `folder`, from `store` where it was made before. Raises GenerationError.

    `dense` loads it in float32. `bits` of the matrices: 8 or 32. `store` holds one graph for
    each model and number of bits; where it cannot be written, the graph is made each time.
    """
    made_of = "\n".join(
        (FORMAT, folder_sha256(folder), *(version(p) for p in ("openvino", "transformers")))
    )
    key = hashlib.sha256(made_of.encode()).hexdigest()
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    target = store / f"{folder.name}-{place}-{bits}"
    try:
        store.mkdir(parents=True, exist_ok=True)
        with FileLock(store / "lock"):
            if not _is(target, key):
                _make(target, key, lambda: _graph(dense(), bits))
        return openvino.Core().read_model(target / "model.xml")
    except OSError as error:
        logger.warning("%s: the converted model cannot be kept (%s).", target, error)
        return _graph(dense(), bits)


def _is(target: Path, key: str) -> bool:
    try:
        return (target / "key.txt").read_text("utf-8") == key
    except OSError:
        return False


def _make(target: Path, key: str, made: Callable[[], Any]) -> None:
    for left in target.parent.glob(".making-*"):  # by one that was killed
        shutil.rmtree(left, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".making-"))
    try:
        built = staging / "new"
        built.mkdir()
        openvino.save_model(made(), built / "model.xml", compress_to_fp16=False)
        (built / "key.txt").write_text(key, encoding="utf-8")
        publish(built, target, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _graph(model: Any, bits: int) -> Any:
    cache, plain = caches.empty(model.config)
    if not plain:
        raise GenerationError(
            f"OpenVINO cannot run {type(model).__name__} here: not all of its layers attend to "
            'everything before. Set chatbot.generator_engine = "transformers".'
        )
    try:
        made = _converted(model, len(cache.layers))
    except Exception as error:  # an edge: the converter has no errors of its own
        raise GenerationError(
            f"OpenVINO cannot convert {type(model).__name__} "
            f"({str(error).strip().splitlines()[0]}). "
            'Set chatbot.generator_engine = "transformers".'
        ) from error
    weights = {name: _array(port) for name, port in matrices(made)} if bits == 8 else {}
    replace(made, weights, bits)
    return made


@torch.no_grad()
def _converted(model: Any, layers: int) -> Any:
    """A graph that keeps keys and values itself, as variables named past.0, past.1, …"""
    known, new, rows = 3, 4, 2  # any sizes
    past = _past(model, layers, rows, known)
    example = {
        "input_ids": torch.ones(rows, new, dtype=torch.int64),
        "attention_mask": torch.ones(rows, known + new, dtype=torch.int64),
        "position_ids": torch.arange(known, known + new).repeat(rows, 1),
        "past": past,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about constants of the trace, which are constant
        made = openvino.convert_model(_Traced(model), example_input=example)
    inputs = ("input_ids", "attention_mask", "position_ids")
    variables = {f"past.{number}": f"present.{number}" for number in range(len(past))}
    for port, name in zip(made.inputs, (*inputs, *variables), strict=True):
        port.get_tensor().set_names({name})
    for port, name in zip(made.outputs, ("scores", *variables.values()), strict=True):
        port.get_tensor().set_names({name})
    for port in made.inputs[:3]:
        port.get_node().set_partial_shape(openvino.PartialShape([-1, -1]))
    rows_from = ops.parameter([-1], np.int32, name="rows")  # of the variables, for each new row
    rows_from.output(0).get_tensor().set_names({"rows"})
    for port, tensor in zip(made.inputs[3:], past, strict=True):
        shape = [-1, tensor.shape[1], -1, tensor.shape[3]]
        port.get_node().set_partial_shape(openvino.PartialShape(shape))
        readers = port.get_target_inputs()
        gathered = ops.gather(port.get_node(), rows_from, ops.constant(np.int64(0)))
        for reader in readers:
            reader.replace_source_output(gathered.output(0))
    made.add_parameters([rows_from])
    made.validate_nodes_and_infer_types()
    apply_make_stateful_transformation(made, variables)
    _begin_empty(made)
    return made


def _past(model: Any, layers: int, rows: int, known: int) -> list[torch.Tensor]:
    """Keys and values as the model itself makes them, so that their sizes are right."""
    cache, _ = caches.empty(model.config)
    model(input_ids=torch.ones(rows, known, dtype=torch.int64), past_key_values=cache)
    return [t.clone() for layer in cache.layers[:layers] for t in (layer.keys, layer.values)]


def _begin_empty(made: Any) -> None:
    """A variable that was never written has no tokens, and as many rows as are asked for."""
    ids = made.input("input_ids")
    index, axis = ops.constant(np.array([0])), ops.constant(np.int64(0))
    rows = ops.gather(ops.shape_of(ids, output_type="i64"), index, axis)
    for node in made.get_ops():
        if node.get_type_name() == "ReadValue":
            shape = node.get_output_partial_shape(0)
            heads, size = (ops.constant(np.array([shape[i].get_length()])) for i in (1, 3))
            empty = ops.concat([rows, heads, ops.constant(np.array([0])), size], 0)
            node.set_arguments([ops.broadcast(ops.constant(np.float32(0)), empty)])
    made.validate_nodes_and_infer_types()


def matrices(made: Any) -> Iterator[tuple[str, Any]]:
    """Name of each parameter that is multiplied with, and where it goes into the product."""
    for node in made.get_ops():
        if node.get_type_name() == "MatMul":
            source = _constant(node.input(1))
            name = source.get_friendly_name() if source else ""
            if name.startswith(PARAMETERS) and node.get_attributes()["transpose_b"]:
                yield name.removeprefix(PARAMETERS), node.input(1)


def _constant(port: Any) -> Any:
    """What a weight is stored as, before it is widened; None for what is no weight."""
    node = port.get_source_output().get_node()
    while node.get_type_name() in ("Convert", "Multiply"):
        node = node.input_value(0).get_node()
    return node if node.get_type_name() == "Constant" else None


def _array(port: Any) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = _constant(port).data
    return array


def replace(made: Any, weights: Mapping[str, np.ndarray[Any, Any]], bits: int) -> None:
    """Put (outputs, inputs) float32 matrices in place; with 8 bits, a scale for each output."""
    for name, port in list(matrices(made)):
        if name not in weights:
            continue
        source = stored = ops.constant(weights[name])
        if bits == 8:
            scale = np.abs(weights[name]).max(1, keepdims=True) / 127
            scale[scale == 0] = 1
            stored = ops.constant(np.rint(weights[name] / scale).astype(np.int8))
            source = ops.multiply(ops.convert(stored, "f32"), ops.constant(scale))
        stored.set_friendly_name(PARAMETERS + name)
        port.replace_source_output(source.output(0))
    made.validate_nodes_and_infer_types()
