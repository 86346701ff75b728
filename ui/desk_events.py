"""The second lock of each desk event, behind the guard's, and its row in the audit log."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from ui import roles
from ui.accounts import Accounts
from ui.audit import Act, acting
from ui.roles import OUTSIDE, Event, Scope

# Inputs of handlers that name a thing. Never the text of a message, an answer or an example.
NAMES = ("chosen", "picked", "session", "key", "name", "which", "waiting", "file", "files")

FIELDS = (gr.Textbox, gr.Number, gr.Dropdown, gr.Radio, gr.Checkbox, gr.CheckboxGroup, gr.File)


def scopes(blocks: gr.Blocks) -> dict[int, Scope]:
    """What each function of the page needs, by its number; the guard asks for it."""
    return {number: roles.event(f.fn).scope for number, f in blocks.fns.items() if f.fn}


def lock(blocks: gr.Blocks, accounts: Accounts) -> None:
    """Put the check and the audit log around every handler of the page."""
    for function in blocks.fns.values():
        if function.fn is not None:
            function.fn = _locked(function.fn, roles.event(function.fn), accounts)


def buttons(blocks: gr.Blocks) -> dict[Any, frozenset[Scope]]:
    """The buttons of the page, and the scopes of which one is needed to press each."""
    wanted: dict[int, set[Scope]] = {}
    for function in blocks.fns.values():
        for component, happening in function.targets:
            if function.fn is not None and happening == "click" and component is not None:
                wanted.setdefault(component, set()).add(roles.event(function.fn).scope)
    return {blocks.blocks[number]: frozenset(needed) for number, needed in wanted.items()}


def fields(blocks: gr.Blocks) -> dict[Any, frozenset[Scope]]:
    """What people fill in or choose on the page, and the scopes of which one is needed to use it.

    It is used by what begins with it and by what reads it, but not by what only gives it back
    when a list is shown anew.
    """
    wanted: dict[int, set[Scope]] = {}
    for function in blocks.fns.values():
        if function.fn is None:
            continue
        event, using = roles.event(function.fn), {c._id for c in function.inputs}
        if not event.changes:
            if all(isinstance(output, FIELDS) for output in function.outputs):
                continue  # it serves whoever may use those
            using -= {c._id for c in function.outputs}
        for number in using | {number for number, _ in function.targets if number is not None}:
            wanted.setdefault(number, set()).add(event.scope)
    return {
        blocks.blocks[number]: frozenset(needed)
        for number, needed in wanted.items()
        if isinstance(blocks.blocks.get(number), FIELDS)  # the page itself is no block
    }


def _locked(handler: Callable[..., Any], event: Event, accounts: Accounts) -> Callable[..., Any]:
    names = list(inspect.signature(handler).parameters)

    def allowed(values: tuple[Any, ...]) -> Act | None:
        """Who calls, checked; what to record, if it changes something."""
        request = LocalContext.request.get(None)
        staff = accounts.find(request.username) if request and request.username else None
        if staff is None or staff.disabled or not roles.may(staff.role, event.scope):
            raise gr.Error("Your role does not allow this.")
        if not event.changes:
            return None
        request_id = str(getattr(getattr(request, "state", None), "request_id", ""))
        act = Act(staff.name, event.name.replace("._", "."), _object(names, values), request_id)
        if event.name in OUTSIDE:
            accounts.audit.record(act.actor, act.action, act.object, act.request_id)
            act.recorded = True
        return act

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def streamed(*values: Any) -> Iterator[Any]:
            act, results = allowed(values), handler(*values)
            while True:  # each step may run in another thread
                with acting(act):
                    try:
                        result = next(results)
                    except StopIteration:
                        return
                yield result

        return streamed

    @functools.wraps(handler)
    def called(*values: Any) -> Any:
        with acting(allowed(values)):
            return handler(*values)

    return called


def _object(names: list[str], values: tuple[Any, ...]) -> str:
    """The first input that names a thing, in the order of NAMES."""
    given = dict(zip(names, values, strict=False))
    for name in NAMES:
        value = given.get(name)
        if isinstance(value, str) and value:
            return Path(value).name if name == "file" else value
        if isinstance(value, list) and value:
            return ", ".join(Path(str(item)).name for item in value)
    return ""
