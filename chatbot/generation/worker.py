"""The process that holds the model: requests as JSON lines on stdin, events on stdout.

In:  {"op": "answer", "id", "chat", "adapter", "sampling"} · {"op": "cancel", "id"}
Out: {"event": "ready", "slots"} · {"event": "failed", "reason"}
     {"event": "started" | "text" | "done" | "error", "id", …}

Run by `transformers_engine.py` as `python -m chatbot.generation.worker FOLDER NAME BITS
ENGINE STORE`. It ends when stdin does, so it never outlives the server.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from chatbot.errors import ChatbotError, GenerationError
from chatbot.generation.adapters import Adapters
from chatbot.generation.batch import Batches, Ended, Request
from chatbot.generation.decoding import WordStream, Writing
from chatbot.generation.protocol import Adapter, Sampling
from chatbot.model_files import check_folder
from chatbot.precision import computing, here
from chatbot.prompt import messages, render, template_hash

Send = Callable[..., None]
# Answers side by side. On a processor four take 2.2 times as long a token as one, eight 2.5 times
# (benchmarks/generation.py), but each must also be read before it is written.
SLOTS = {"cpu": 4, "cuda": 32}
LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


class Worker:
    """Answers requests side by side; the parent bounds how many."""

    def __init__(
        self,
        folder: Path,
        name: str,
        send: Send,
        bits: int = 0,
        store: Path | None = None,
    ) -> None:
        """`store` is where OpenVINO keeps its form of the model; None is for transformers."""
        model: Any
        if store is not None:
            from chatbot.generation.openvino_model import MergedAdapters, OpenVinoModel

            check_folder(folder)
            self._tokenizer = load_tokenizer(folder)
            model = OpenVinoModel(folder, bits, lambda: load_model(folder, 32), store)
            merged = MergedAdapters(model, name, folder, template_hash(self._tokenizer))
            self._batches = Batches(model, merged, model.empty, model.step)
        else:
            model, self._tokenizer = load(folder, bits)
            adapters = Adapters(model, name, folder, template_hash(self._tokenizer))
            self._batches = Batches(model, adapters)
        ends = model.generation_config.eos_token_id
        self._ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self.slots = SLOTS[model.device.type]
        self._send = send
        self._cancelled: set[int] = set()
        self._requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._warm_up()

    def _warm_up(self) -> None:
        """One token, so that a template or model that cannot run is told before a customer asks.

        It also takes 0.4 s from the first answer.
        """
        prompt = render(self._tokenizer, messages("Hello", (), (), "en"))
        self._add(0, prompt, None, Sampling(max_tokens=1), lambda text: None)
        while len(self._batches):
            for ended in self._batches.advance():
                if ended.error is not None:
                    raise ended.error

    def listen(self, lines: BinaryIO) -> None:
        """Read requests until the parent is gone; a cancel overtakes what is queued."""
        for line in lines:
            message = json.loads(line)
            if message["op"] == "cancel":
                self._cancelled.add(message["id"])
            else:
                self._requests.put(message)
        os._exit(0)  # also out of the middle of a long answer

    def work(self) -> None:
        """Answer for ever; three steps in a row with unexpected errors end the process."""
        failures = 0
        while failures < 3:  # a question that fails is its own; a broken device fails them all
            while not (len(self._batches) and self._requests.empty()):
                self._take(self._requests.get())
            ended = list(self._batches.advance())
            for one in ended:
                self._tell(one)
            unexpected = [e for e in ended if e.error and not isinstance(e.error, ChatbotError)]
            if unexpected or any(e.stop for e in ended):
                failures = failures + 1 if unexpected else 0

    def _take(self, message: dict[str, Any]) -> None:
        number: int = message["id"]
        self._send(event="started", id=number)
        adapter = Adapter(**message["adapter"]) if message["adapter"] else None

        def emit(text: str) -> None:
            if text:
                self._send(event="text", id=number, text=text)

        try:
            prompt = render(self._tokenizer, message["chat"])
            self._add(number, prompt, adapter, Sampling(**message["sampling"]), emit)
        except Exception as error:  # an edge: reported there and here
            self._tell(Ended(number, error=error))

    def _add(
        self,
        number: int,
        prompt: list[int],
        adapter: Adapter | None,
        sampling: Sampling,
        emit: Callable[[str], None],
    ) -> None:
        writing = Writing(
            WordStream(self._tokenizer),
            self._ends,
            sampling,
            emit,
            cancelled=lambda: number in self._cancelled,
        )
        self._batches.add(Request(number, prompt, adapter, writing, sampling.max_tokens))

    def _tell(self, ended: Ended) -> None:
        self._cancelled.discard(ended.number)
        if ended.error is None:
            self._send(event="done", id=ended.number, stop=ended.stop)
        elif isinstance(ended.error, GenerationError):
            self._send(event="error", id=ended.number, reason=str(ended.error))
        else:
            traceback.print_exception(ended.error)
            reason = f"The model failed ({ended.error})."
            self._send(event="error", id=ended.number, reason=reason)


def load(folder: Path, bits: int = 0) -> tuple[Any, Any]:
    """Model and tokenizer from disk only, safetensors only, nobody's code.

    `bits` of its weights: 16 is bfloat16, 32 float32, 0 what the device computes best. With 8 the
    matrices of the layers are kept as int8 with a scale per output (torchao's weight-only
    quantisation); activations stay as they are, which is what keeps the quality.
    """
    check_folder(folder)
    tokenizer = load_tokenizer(folder)
    return load_model(folder, bits).to(here()), tokenizer


def load_tokenizer(folder: Path) -> Any:
    """Raises GenerationError for a model that is made for no chat."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **LOCAL)
    if not tokenizer.chat_template:
        raise GenerationError(f"{folder.name} has no chat template, so it is no chat model.")
    return tokenizer


def load_model(folder: Path, bits: int) -> Any:
    """On the processor; `bits` as for `load`."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    dtype = {16: torch.bfloat16, 32: torch.float32}.get(bits) or computing(here())
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype=dtype, **LOCAL)
    if bits == 8:
        _quantise(model)
    return model.eval()


def _quantise(model: Any) -> None:
    try:
        from torchao.quantization import Int8WeightOnlyConfig, quantize_
    except ImportError as error:
        raise GenerationError(
            "chatbot.generator_bits = 8 needs torchao. Run `pip install torchao`, or leave the "
            "setting out."
        ) from error
    quantize_(model, Int8WeightOnlyConfig())


def _private_stdout() -> BinaryIO:
    """The real stdout for us alone; whatever a library prints goes to stderr."""
    private = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return private


def main(
    folder: str, name: str, bits: str = "0", engine: str = "transformers", store: str = ""
) -> int:
    os.nice(5)  # the web answers first
    for chatty in ("torchao", "torch.utils._pytree"):  # about kernels that a CPU does not have
        logging.getLogger(chatty).setLevel(logging.ERROR)
    events = _private_stdout()

    def send(**event: object) -> None:
        events.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")

    try:
        worker = Worker(
            Path(folder), name, send, int(bits), Path(store) if engine == "openvino" else None
        )
    except Exception as error:  # an edge: the parent tells it as the engine's status
        if not isinstance(error, ChatbotError):
            traceback.print_exc()
        reason = str(error).strip().splitlines() or [type(error).__name__]
        send(event="failed", reason=reason[0])
        return 1
    threading.Thread(target=worker.listen, args=[sys.stdin.buffer], daemon=True).start()
    send(event="ready", slots=worker.slots)
    worker.work()
    os._exit(1)  # a plain exit would wait for the thread that reads stdin


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:6]))
