"""An encoder that marks spans: BIO tags aligned with its tokens, trained, saved, read again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from chatbot.spans import Span, spans_of
from chatbot.spans import bio as tagged
from finetune.errors import TrainingError
from finetune.spans import Marked

IGNORED = -100  # label of tokens without loss
LONGEST = 256  # tokens of context and text; what is behind is not marked
BATCH = 32
EPOCHS = 3
RATE = 3e-4  # for small encoders
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Aligned:
    """A text as tokens, and which of them stand for its words."""

    ids: tuple[int, ...]
    types: tuple[int, ...]  # 0 for the context, 1 for the text
    words: tuple[tuple[int, int, int], ...]  # first token, start and end in the text


def tags(kinds: Sequence[str]) -> list[str]:
    """O, then B and I of each kind."""
    return ["O", *(f"{side}-{kind}" for kind in sorted(kinds) for side in "BI")]


def align(tokenizer: Any, marked: Marked) -> Aligned:
    """Words of the text with their place; one of Chinese and the like is a single token."""
    out = tokenizer(
        marked.context or "-",
        marked.text,
        truncation="only_second",
        max_length=LONGEST,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    words: list[tuple[int, int, int]] = []
    before = None
    for at, (start, end) in enumerate(out["offset_mapping"]):
        if out.sequence_ids()[at] != 1 or start == end:
            continue
        word = out.word_ids()[at]
        if word is not None and word == before and not CJK.search(marked.text[start:end]):
            words[-1] = (words[-1][0], words[-1][1], end)
        else:
            start += len(marked.text[start:end]) - len(marked.text[start:end].lstrip())
            words.append((at, start, end))
        before = word
    return Aligned(tuple(out["input_ids"]), tuple(out["token_type_ids"]), tuple(words))


def bio(aligned: Aligned, spans: Sequence[Span]) -> list[str]:
    """chatbot.spans.bio() of the words."""
    return tagged([(start, end) for _, start, end in aligned.words], spans)


def spans(aligned: Aligned, given: Sequence[str]) -> tuple[Span, ...]:
    """The inverse of bio()."""
    return spans_of([(start, end) for _, start, end in aligned.words], given)


class Tagger:
    """Marks spans with an encoder that was trained for it."""

    def __init__(self, folder: Path) -> None:
        logging.disable_progress_bar()  # only ui draws
        self._tokenizer = tokenizer_of(folder)
        self._model = AutoModelForTokenClassification.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        ).eval()
        self.kinds = sorted({tag[2:] for tag in self._model.config.label2id if tag != "O"})

    def mark(self, texts: Sequence[Marked]) -> list[tuple[Span, ...]]:
        """The spans of each text; those that it comes with are not looked at."""
        aligned = [align(self._tokenizer, text) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(aligned[at].ids))
        found: list[tuple[Span, ...]] = [()] * len(texts)
        names = self._model.config.id2label
        for start in range(0, len(order), 2 * BATCH):
            part = order[start : start + 2 * BATCH]
            rows = [_features(aligned[at], None) for at in part]
            batch = self._tokenizer.pad(rows, return_tensors="pt")
            with torch.no_grad():
                best = self._model(**batch).logits.argmax(-1)
            for row, at in enumerate(part):
                given = [names[int(best[row, word[0]])] for word in aligned[at].words]
                found[at] = spans(aligned[at], given)
        return found


def tokenizer_of(folder: Path) -> Any:
    """A fast tokenizer, which knows where its tokens stand. Raises TrainingError."""
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if not tokenizer.is_fast:
        raise TrainingError(f"{folder}: its tokenizer does not tell places in the text.")
    return tokenizer


def train(
    encoder: Path,
    texts: Sequence[Marked],
    out: Path,
    tell: Callable[[int, int, float], None] = lambda step, steps, loss: None,
    *,
    epochs: float = EPOCHS,
    rate: float = RATE,
    seed: int = 1,
) -> None:
    """Tune all weights of the encoder in `encoder` on `texts` and write the tagger to `out`.

    `tell` gets step, steps and loss (nats per word). Raises TrainingError.
    """
    torch.manual_seed(seed)
    logging.disable_progress_bar()  # only ui draws
    tokenizer = tokenizer_of(encoder)
    names = tags(sorted({span.kind for text in texts for span in text.spans}))
    number = {name: at for at, name in enumerate(names)}
    rows = []
    for text in texts:
        aligned = align(tokenizer, text)
        rows.append(_features(aligned, [number[tag] for tag in bio(aligned, text.spans)]))
    model = _with_head(encoder, names)
    arguments = TrainingArguments(
        output_dir=str(out.with_name("work")),
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        learning_rate=rate,
        warmup_steps=max(1, math.ceil(0.1 * epochs * len(rows) / BATCH)),
        weight_decay=0.01,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=5,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        train_sampling_strategy="group_by_length",
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=seed,
    )
    collator = DataCollatorForTokenClassification(tokenizer, label_pad_token_id=IGNORED)
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator)
    for callback in list(trainer.callback_handler.callbacks):
        if type(callback).__name__ in ("PrinterCallback", "ProgressCallback"):
            trainer.remove_callback(callback)
    trainer.add_callback(_Told(tell))
    trainer.train()
    model.float().save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)
    (out / "zhike.json").write_text(json.dumps({"task": "entities", "tags": names}), "utf-8")


def _with_head(encoder: Path, names: Sequence[str]) -> Any:
    """The encoder with a fresh layer for the tags, whatever head it had before."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # that the head is fresh is meant
    try:
        return AutoModelForTokenClassification.from_pretrained(
            encoder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            id2label=dict(enumerate(names)),
            label2id={name: at for at, name in enumerate(names)},
            ignore_mismatched_sizes=True,
        )
    finally:
        logging.set_verbosity(before)


class _Told(TrainerCallback):  # type: ignore[misc]
    def __init__(self, tell: Callable[[int, int, float], None]) -> None:
        self._tell = tell

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise TrainingError(f"The loss became {loss} at step {state.global_step}.")
        self._tell(state.global_step, state.max_steps, loss)


def _features(aligned: Aligned, labels: Sequence[int] | None) -> dict[str, list[int]]:
    row = {
        "input_ids": list(aligned.ids),
        "token_type_ids": list(aligned.types),
        "attention_mask": [1] * len(aligned.ids),
    }
    if labels is not None:
        row["labels"] = [IGNORED] * len(aligned.ids)
        for (at, _, _), label in zip(aligned.words, labels, strict=True):
            row["labels"][at] = label  # the first token of a word speaks for it
    return row
