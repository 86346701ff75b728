"""Trains the reader on pages with questions that they answer and questions that they do not.

    python -m knowledge.reader_training samples/answerability knowledge/data/reader.safetensors
    python -m knowledge.reader_training samples/answerability \
        knowledge/data/reader_english.safetensors FOLDER_OF_MINILM

A page line: {"language", "title", "heading", "sentences": […], "questions": [{"text", "answer":
[indexes of the sentences that each answer it, or none]}]}. The loss of a question is a softmax over
the sentences of all pages of the batch and "none of them", plus a binary one per sentence, so that
scores can be compared across passages. LoRA (Hu et al. 2021) tunes the six upper layers, of e5 on
all pages or of all-MiniLM-L6-v2 on the English ones; the lower ones stay as they are and their
output is computed once.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertModel

from knowledge.e5_file import E5File
from knowledge.encoder import MATRICES, ModelFile
from knowledge.errors import KnowledgeError
from knowledge.minilm import MiniLMFile
from knowledge.reader import ABOVE, passage_tokens, question_tokens

TUNED = 6  # layers, from the top
RANK, RATE, HEAD_RATE = 16, 5e-4, 1e-3
PAGES, EPOCHS, WARM_UP = 4, 5, 40  # per step; passes over the data; steps
AT_ONCE = 32  # texts whose lower layers are computed together
GROUPS = 3  # by length, of the texts of one step
KEYS, VALUES, HIDDEN = 128, 64, 64
HELD_OUT = 8  # every eighth page of a file is not trained on
BERT = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page as token ids, with its questions and the sentences that answer each."""

    language: str
    ids: tuple[int, ...]
    part: tuple[int, ...]
    questions: tuple[tuple[tuple[int, ...], frozenset[int]], ...]
    held_out: bool

    @property
    def sentences(self) -> int:
        return max(self.part) + 1


def pages(folder: Path, file: ModelFile) -> list[Page]:
    """All pages of the .jsonl files below `folder`. Raises KnowledgeError naming file and line."""
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                found.append(_page(json.loads(line), file, number % HELD_OUT == 0))
            except (ValueError, KeyError, TypeError) as error:
                raise KnowledgeError(f"{path}:{number}: not a page ({error}).") from error
    if not found:
        raise KnowledgeError(f"{folder}: there is no page to learn from.")
    return found


def _page(row: dict[str, Any], file: ModelFile, held_out: bool) -> Page:
    ids, part = passage_tokens(file, f"{row['title']} › {row['heading']}", row["sentences"])
    questions = [
        (tuple(question_tokens(file, q["text"])), frozenset(map(int, q["answer"])))
        for q in row["questions"]
    ]
    return Page(row["language"], tuple(ids), tuple(part), tuple(questions), held_out)


class Comparison(nn.Module):
    """What Reader.compare() does, for all questions and sentences of a batch at once."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj, self.weight = nn.Linear(width, KEYS, bias=False), nn.Linear(width, 1)
        self.g = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 1))
        self.val, self.qv = nn.Linear(width, VALUES), nn.Linear(width, VALUES)
        self.cmp = nn.Sequential(
            nn.Linear(3 * VALUES, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN), nn.GELU()
        )
        self.out = nn.Linear(2 * HIDDEN + 3, 1)
        self.temp, self.scale = nn.Parameter(torch.tensor(2.5)), nn.Parameter(torch.tensor(10.0))
        nn.init.orthogonal_(self.proj.weight)
        with torch.no_grad():  # begin as a plain cosine: from random weights nothing was learned
            self.out.weight.zero_()
            self.out.weight[0, -2:] = torch.tensor([1.0, 2.0])
            self.out.bias.fill_(-24.5)

    def forward(self, asked: Tensor, mask: Tensor, read: Tensor, part: Tensor) -> Tensor:
        """asked (q, n, width), mask (q, n), read (m, width), part (m,) to (q, sentences)."""
        count = int(part.max()) + 1
        weighed = self.weight(asked)[..., 0].masked_fill(~mask, -1e9).softmax(-1)
        alike = torch.einsum(
            "qid,jd->qij",
            F.normalize(self.proj(asked), dim=-1),
            F.normalize(self.proj(read), dim=-1),
        )
        here = [part == i for i in range(count)]
        best = torch.stack([alike[:, :, h].amax(-1) for h in here], -1)
        above = alike[:, :, part == ABOVE].amax(-1, keepdim=True).expand_as(best)
        whole = alike.amax(-1, keepdim=True).expand_as(best)
        found = self.g(torch.stack([best, above, whole], -1) * 4)[..., 0]
        values = self.val(read)
        matched = [(alike[:, :, h] * self.temp.exp()).softmax(-1) @ values[h] for h in here]
        other = torch.stack(matched, 2)
        own = self.qv(asked)[:, :, None].expand_as(other)
        pairs = self.cmp(torch.cat([own, other, own * other], -1))
        ones = torch.stack([h.float() for h in here])
        means = F.normalize((ones @ read) / ones.sum(1, keepdim=True), dim=-1)
        about = F.normalize((asked * mask[..., None]).sum(1) / mask.sum(1, keepdim=True), dim=-1)
        features = [
            (weighed[..., None, None] * pairs).sum(1),
            pairs.masked_fill(~mask[..., None, None], -1e4).amax(1),
            (weighed[..., None] * found).sum(1)[..., None],
            (weighed[..., None] * best).sum(1)[..., None] * self.scale,
            (about @ means.T)[..., None] * self.scale,
        ]
        scores: Tensor = self.out(torch.cat(features, -1))[..., 0]
        return scores


class Learner(nn.Module):
    """The upper layers of a model with LoRA, and the comparison over them."""

    def __init__(self, file: ModelFile) -> None:
        super().__init__()
        bert = _bert(file)
        self._lower = bert
        self.first = file.layers - TUNED  # layer that is tuned
        upper = bert.encoder.layer[self.first :]
        bert.encoder.layer = bert.encoder.layer[: self.first]
        for parameter in (*bert.parameters(), *upper.parameters()):
            parameter.requires_grad_(False)
        names = [name.rpartition(".")[2] for name in BERT.values() if "Norm" not in name]
        options = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=sorted(set(names)))
        self.upper = inject_adapter_in_model(options, nn.ModuleDict({"layers": upper}))
        self.comparison = Comparison(file.width)
        self._states: dict[tuple[int, ...], Tensor] = {}

    def forward(self, questions: Sequence[tuple[int, ...]], pages: Sequence[Page]) -> Tensor:
        """(questions, sentences of all pages) log-odds."""
        asked, mask = self._encoded(questions)
        read, _ = self._encoded([page.ids for page in pages])
        return torch.cat(
            [
                self.comparison(asked, mask, read[i, : len(page.ids)], torch.tensor(page.part))
                for i, page in enumerate(pages)
            ],
            1,
        )

    @torch.no_grad()
    def remember(self, texts: Iterable[tuple[int, ...]]) -> None:
        """Compute what the lower layers say of these texts, once."""
        missing = sorted(set(texts) - self._states.keys(), key=len)
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            ids = nn.utils.rnn.pad_sequence([torch.tensor(text) for text in some], True)
            mask = torch.arange(ids.shape[1])[None] < torch.tensor([[len(text)] for text in some])
            states = self._lower(ids, attention_mask=mask.long()).last_hidden_state.half()
            self._states |= {text: states[i, : len(text)].clone() for i, text in enumerate(some)}

    def _encoded(self, texts: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
        """(texts, longest, width), and which tokens are there. Texts of like length are computed
        together: padded to one length, questions are a third longer."""
        self.remember(texts)
        longest = max(map(len, texts))
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        size = -(-len(order) // GROUPS)
        parts = []
        for start in range(0, len(order), size):
            x = self._together([texts[i] for i in order[start : start + size]])
            parts.append(F.pad(x, (0, 0, 0, longest - x.shape[1])))
        lengths = torch.tensor([len(text) for text in texts])
        back = torch.tensor(order).argsort()
        return torch.cat(parts)[back], torch.arange(longest)[None] < lengths[:, None]

    def _together(self, texts: Sequence[tuple[int, ...]]) -> Tensor:
        """(texts, longest, width) out of the upper layers."""
        lengths = torch.tensor([len(text) for text in texts])
        x = nn.utils.rnn.pad_sequence([self._states[text].float() for text in texts], True)
        mask = torch.arange(x.shape[1])[None] < lengths[:, None]
        for layer in self.upper["layers"]:
            out = layer(x, mask[:, None, None])
            x = out[0] if isinstance(out, tuple) else out
        return x


def _bert(file: ModelFile) -> Any:
    config = BertConfig(
        vocab_size=file.vocabulary,
        hidden_size=file.width,
        num_hidden_layers=file.layers,
        num_attention_heads=file.heads,
        intermediate_size=len(file.vector("l0.fi.b")),
        max_position_embeddings=file.positions,
        layer_norm_eps=file.epsilon,
        hidden_dropout_prob=0.0,  # on a CPU dropout costs more time than the layer
        attention_probs_dropout_prob=0.0,
    )
    bert = BertModel(config, add_pooling_layer=False)
    state = {
        "embeddings.word_embeddings.weight": file.word_vectors(np.arange(file.vocabulary)),
        "embeddings.position_embeddings.weight": file.vector("emb.pos").reshape(-1, file.width),
        "embeddings.token_type_embeddings.weight": file.vector("emb.type").reshape(-1, file.width),
        "embeddings.LayerNorm.weight": file.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": file.vector("emb.ln.b"),
    }
    for i in range(file.layers):
        for name, theirs in BERT.items():
            bias = file.vector(f"l{i}.{name}.b")
            inputs = len(file.vector("l0.fi.b")) if name == "fo" else file.width
            weight = file.vector(f"l{i}.{name}.w") if "Norm" in theirs else None
            state[f"encoder.layer.{i}.{theirs}.bias"] = bias
            state[f"encoder.layer.{i}.{theirs}.weight"] = (
                weight if weight is not None else file.matrix(f"l{i}.{name}.w", inputs)
            )
    bert.load_state_dict({name: torch.tensor(np.array(value)) for name, value in state.items()})
    return bert


def loss_of(scores: Tensor, answers: Tensor) -> Tensor:
    """scores, answers (q, sentences); "none of them" has the score 0."""
    binary = F.binary_cross_entropy_with_logits(scores, answers, reduction="none").sum(1) / 4
    none = torch.zeros(len(scores), 1)
    shares = torch.cat([none, scores], 1).log_softmax(1)
    right = torch.cat([(answers.sum(1, keepdim=True) == 0).float(), answers], 1)
    return (binary - shares.masked_fill(right == 0, -1e9).logsumexp(1)).mean()


def answers_of(batch: Sequence[Page]) -> Tensor:
    """(questions, sentences of all pages): 1 where the sentence answers."""
    answers = torch.zeros(sum(len(p.questions) for p in batch), sum(p.sentences for p in batch))
    row = column = 0
    for page in batch:
        for _, right in page.questions:
            for i in right:
                if i < page.sentences:
                    answers[row, column + i] = 1
            row += 1
        column += page.sentences
    return answers


def batches(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """Pages of one language together, so that each is a wrong page for the others' questions."""
    order = sorted(pages, key=lambda page: (page.language, random.random()))
    groups = [order[i : i + PAGES] for i in range(0, len(order) - PAGES + 1, PAGES)]
    random.shuffle(groups)
    yield from groups


@torch.no_grad()
def measure(learner: Learner, held_out: Sequence[Page]) -> dict[str, float]:
    """AUROC of answerable against not, per language, and the share of right best sentences."""
    from sklearn.metrics import roc_auc_score

    found: dict[str, list[tuple[bool, float]]] = {}
    best = []
    for page in held_out:
        scores = learner([ids for ids, _ in page.questions], [page])
        for row, (_, right) in zip(scores, page.questions, strict=True):
            found.setdefault(page.language, []).append((bool(right), float(row.logsumexp(0))))
            if right:
                best.append(int(row.argmax()) in right)
    report = {
        language: float(roc_auc_score(*zip(*rows, strict=True))) for language, rows in found.items()
    }
    return report | {"best sentence": float(np.mean(best))}


def train(
    folder: Path,
    target: Path,
    epochs: int = EPOCHS,
    say: Callable[[str], None] = lambda line: None,
    minilm: Path | None = None,
) -> dict[str, float]:
    """Write the weights to `target`; returns the last measure on the pages held out.

    `say` gets a line per epoch; `minilm`: folder of the model to tune on the English pages, instead
    of e5 on all. Raises KnowledgeError for a page that cannot be read.
    """
    torch.manual_seed(0)
    random.seed(0)
    file: ModelFile = MiniLMFile(minilm) if minilm else E5File()
    everything = [p for p in pages(folder, file) if not minilm or p.language == "en"]
    seen = [page for page in everything if not page.held_out]
    held_out = [page for page in everything if page.held_out]
    learner = Learner(file)
    learner.remember(page.ids for page in everything)
    learner.remember(ids for page in everything for ids, _ in page.questions)
    tuned = [p for p in learner.upper.parameters() if p.requires_grad]
    compared = list(learner.comparison.parameters())
    groups = [{"params": tuned, "lr": RATE}, {"params": compared, "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = epochs * (len(seen) // PAGES)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARM_UP) * max(0.02, 1 - step / steps)
    )
    report: dict[str, float] = measure(learner, held_out)
    say(f"as a plain cosine: held out: {_shown(report)}")
    for epoch in range(epochs):
        losses = []
        for batch in batches(seen):
            questions = [ids for page in batch for ids, _ in page.questions]
            loss = loss_of(learner(questions, batch), answers_of(batch))
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*tuned, *compared], 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        report = measure(learner, held_out)
        mean = np.mean(losses)
        say(f"epoch {epoch + 1} of {epochs}: loss {mean:.3f}; held out: {_shown(report)}")
        target.write_bytes(save(_tensors(learner)))
    return report


def _shown(report: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in report.items())


def _tensors(learner: Learner) -> dict[str, Tensor]:
    """What reader.py loads: each matrix's A and B, the factor in B, and the comparison."""
    found = {name: value.detach().clone() for name, value in learner.comparison.named_parameters()}
    for i, layer in enumerate(learner.upper["layers"]):
        for name in MATRICES:
            linear = layer.get_submodule(BERT[name])
            found[f"l{i + learner.first}.{name}.A"] = linear.lora_A["default"].weight.detach()
            scaled = linear.lora_B["default"].weight.detach() * linear.scaling["default"]
            found[f"l{i + learner.first}.{name}.B"] = scaled
    return {name: value.half().contiguous() for name, value in found.items()}


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    train(given[0], given[1], say=print, minilm=given[2] if len(given) > 2 else None)
