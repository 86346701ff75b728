"""The process that holds the model: requests as JSON lines on stdin, events on stdout.

In:  {"op": "answer", "id", "chat", "adapter", "sampling"} · {"op": "cancel", "id"}
Out: {"event": "ready"} · {"event": "failed", "reason"}
     {"event": "started" | "text" | "done" | "error", "id", …}

Run by `transformers_engine.py` as `python -m chatbot.generation.worker FOLDER NAME BITS`. It ends
when stdin does, so it never outlives the server.
"""

from __future__ import annotations

import json
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
from chatbot.generation.decoding import Decoder
from chatbot.generation.protocol import Adapter, Sampling
from chatbot.model_files import check_folder
from chatbot.prompt import messages, render, template_hash

Send = Callable[..., None]


class Worker:
    """Answers one request after the other."""

    def __init__(self, folder: Path, name: str, send: Send, bits: int = 16) -> None:
        model, self._tokenizer = load(folder, bits)
        self._decoder = Decoder(model, self._tokenizer)
        self._adapters = Adapters(model, name, folder, template_hash(self._tokenizer))
        self._send = send
        self._cancelled: set[int] = set()
        self._requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._warm_up()

    def _warm_up(self) -> None:
        """One token, so that a template or model that cannot run is told before a customer asks.

        It also takes 0.4 s from the first answer.
        """
        prompt = render(self._tokenizer, messages("Hello", (), (), "en"))
        self._decoder.answer(prompt, Sampling(max_tokens=1), lambda text: None, lambda: False)

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
        """Answer for ever; three unexpected errors in a row end the process."""
        failures = 0
        while failures < 3:  # a question that fails is its own; a broken device fails them all
            request = self._requests.get()
            number: int = request["id"]
            try:
                self._answer(number, request)
                failures = 0
            except GenerationError as error:
                self._send(event="error", id=number, reason=str(error))
            except Exception as error:  # an edge: reported there and here
                failures += 1
                traceback.print_exc()
                self._send(event="error", id=number, reason=f"The model failed ({error}).")
            finally:
                self._cancelled.discard(number)

    def _answer(self, number: int, request: dict[str, Any]) -> None:
        if number in self._cancelled:
            self._send(event="done", id=number, stop="cancelled")
            return
        self._send(event="started", id=number)
        adapter = Adapter(**request["adapter"]) if request["adapter"] else None
        prompt = render(self._tokenizer, request["chat"])

        def emit(text: str) -> None:
            if text:
                self._send(event="text", id=number, text=text)

        with self._adapters.use(adapter):
            stop = self._decoder.answer(
                prompt,
                Sampling(**request["sampling"]),
                emit,
                cancelled=lambda: number in self._cancelled,
            )
        self._send(event="done", id=number, stop=stop)


def load(folder: Path, bits: int = 16) -> tuple[Any, Any]:
    """Model and tokenizer from disk only, safetensors only, nobody's code; bfloat16.

    With 8 bits the matrices of the layers are kept as int8 with a scale per output (torchao's
    weight-only quantisation); activations stay as they are, which is what keeps the quality.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    check_folder(folder)
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if not tokenizer.chat_template:
        raise GenerationError(f"{folder.name} has no chat template, so it is no chat model.")
    model = AutoModelForCausalLM.from_pretrained(
        folder, use_safetensors=True, dtype=torch.bfloat16, **options
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if bits == 8:
        _quantise(model)
    return model.to(device).eval(), tokenizer


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


def main(folder: str, name: str, bits: str = "16") -> int:
    os.nice(5)  # the web answers first
    events = _private_stdout()

    def send(**event: object) -> None:
        events.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")

    try:
        worker = Worker(Path(folder), name, send, int(bits))
    except Exception as error:  # an edge: the parent tells it as the engine's status
        if not isinstance(error, ChatbotError):
            traceback.print_exc()
        reason = str(error).strip().splitlines() or [type(error).__name__]
        send(event="failed", reason=reason[0])
        return 1
    threading.Thread(target=worker.listen, args=[sys.stdin.buffer], daemon=True).start()
    send(event="ready")
    worker.work()
    os._exit(1)  # a plain exit would wait for the thread that reads stdin


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
