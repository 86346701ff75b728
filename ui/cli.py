"""The command `zhike`: one file per noun under ui/commands; errors become one line."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys

import click

from chatbot.errors import ChatbotError
from finetune.errors import FinetuneError
from knowledge.errors import KnowledgeError

# Loaded when used: `zhike --help` must not wait for torch.
COMMANDS = {
    "serve": ("ui.commands.serve", "serve"),
    "ask": ("ui.commands.ask", "ask"),
    "chat": ("ui.commands.chat", "chat"),
    "explain": ("ui.commands.explain", "explain"),
    "replay": ("ui.commands.replay", "replay"),
    "knowledge": ("ui.commands.knowledge", "knowledge"),
    "faq": ("ui.commands.faq", "faq"),
    "models": ("ui.commands.models", "models"),
    "transcripts": ("ui.commands.transcripts", "transcripts"),
    "train": ("ui.commands.train", "train"),
    "intents": ("ui.commands.intents", "intents"),
    "learn": ("ui.commands.learn", "learn"),
    "runs": ("ui.commands.runs", "runs"),
    "evaluate": ("ui.commands.evaluate", "evaluate"),
    "accounts": ("ui.commands.accounts", "accounts"),
    "keys": ("ui.commands.keys", "keys"),
    "webhooks": ("ui.commands.webhooks", "webhooks"),
    "audit": ("ui.commands.audit", "audit"),
    "entities": ("ui.commands.entities", "entities"),
    "screen": ("ui.commands.screen", "screen"),
    "backup": ("ui.commands.backup", "backup"),
    "restore": ("ui.commands.backup", "restore"),
    "visitors": ("ui.commands.visitors", "visitors"),
    "widget": ("ui.commands.widget", "widget"),
    "doctor": ("ui.commands.doctor", "doctor"),
}


class Commands(click.Group):
    """The commands by name, imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=Commands)
@click.option("--verbose", is_flag=True, help="Log what happens, to standard error.")
def zhike(verbose: bool) -> None:
    """知客: the customer-service chatbot that a support team owns.

    Its home is the folder ZHIKE_HOME (~/.zhike); models lie in ZHIKE_MODELS.
    """
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, stream=sys.stderr)


def _environment() -> None:
    """Before torch, FAISS or the embedder load, which is when a command is run."""
    # Idle OpenMP threads sleep: spinning made an answer three times slower on two busy cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Characters are read one by one (knowledge/spelling.py); its phrases take a second to load.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    if "pull" not in sys.argv:  # the one command that may reach a hub
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def main() -> None:
    """Run a command; an expected error is one sentence on standard error and exit status 1."""
    _environment()
    try:
        zhike(prog_name="zhike")
    except (ChatbotError, KnowledgeError, FinetuneError) as error:
        click.echo(f"zhike: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        click.echo(f"zhike: The disk is full{where}. Make room and try again.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
