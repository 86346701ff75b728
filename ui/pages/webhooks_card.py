"""The card of webhooks in the desk: added, tested, paused, removed, and what became of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from chatbot.errors import ChatbotError, NotFound
from ui import render
from ui.labels import Labels
from ui.pages.canned import account, done, problem
from ui.pages.notices import QUIET, heading, hint, relisted, tick
from ui.texts import Texts, texts
from ui.webhooks.addresses import LONGEST, BadAddress
from ui.webhooks.events import Event
from ui.webhooks.store import STATES, Delivery, Webhook, Webhooks

SHOWN = 20  # deliveries
Updates = dict[Any, Any]


class WebhooksCard:
    """What admins do with the programs that are told of events."""

    def __init__(self, webhooks: Webhooks, loopback: bool, labels: Labels) -> None:
        """loopback: this machine may be told too."""
        self._webhooks, self._loopback, self._labels = webhooks, loopback, labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The card's components and their events."""
        opened: gr.State = gr.State(0)
        with gr.Column(elem_classes="card"):
            self._labels.add(gr.Markdown(), value=lambda words: heading(words, "webhooks.card"))
            self._table = gr.Markdown("", elem_id="webhooks")
            self._add_section()
            self._said = gr.Markdown("", elem_id="webhooks-said")
            self._secret = self._labels.add(
                gr.Textbox(visible=False, interactive=False, buttons=["copy"],
                           elem_id="webhook-secret"),
                label="webhooks.once",
            )  # fmt: skip
            self._one_section()
        self._armed: gr.State = gr.State("")  # id of the one whose remove button was clicked once
        self.filled = [opened]
        self._events(language, opened)

    def _add_section(self) -> None:
        add = self._labels.add
        self._url = add(
            gr.Textbox(
                max_length=LONGEST, placeholder="https://shop.example/zhike", elem_id="webhook-url"
            ),
            label="webhooks.url",
        )
        self._wanted = add(
            gr.CheckboxGroup([event.value for event in Event], elem_id="webhook-events"),
            label="webhooks.events",
            info="webhooks.events_info",
            choices=_events,
        )
        with gr.Row(elem_classes="buttons"):
            self._new = self._button("webhook-add", "webhooks.add", "primary")

    def _one_section(self) -> None:
        add = self._labels.add
        self._hook = add(gr.Dropdown([], elem_id="webhook", min_width=180), label="webhooks.which")
        with gr.Column(visible=False, elem_id="webhook-one") as self._one:
            with gr.Row(elem_classes="buttons"):
                self._test = self._button("webhook-test", "webhooks.test")
                self._pause = gr.Button("", size="sm", elem_id="webhook-pause")
                self._remove = gr.Button("", size="sm", variant="stop", elem_id="webhook-remove")
            with gr.Row(elem_classes="filters"):
                self._state = add(
                    gr.Radio(["", *STATES], value="", show_label=False, container=False,
                             elem_id="webhook-state", elem_classes="segments"),
                    choices=_states,
                )  # fmt: skip
                self._again = add(gr.Button(size="sm", min_width=80), value="desk.refresh")
            self._deliveries = gr.Markdown("", elem_id="webhook-deliveries")
            with gr.Row(elem_classes="buttons"):
                self._retry = self._button("webhook-retry", "webhooks.retry")

    def _button(self, name: str, text: str, variant: Any = "secondary") -> gr.Button:
        button = gr.Button(size="sm", variant=variant, elem_id=name)
        return self._labels.add(button, value=text)

    def _events(self, language: gr.Radio, opened: gr.State) -> None:
        chosen = [self._hook, self._state, language]
        shown = [self._one, self._pause, self._remove, self._armed, self._deliveries, self._retry]
        for look in (self._hook.input, self._state.input, self._again.click):
            look(self._looked, chosen, shown, **QUIET)
        opened.change(self._followed, chosen, [self._table, self._hook, *shown], **QUIET)
        told = [self._said, self._secret, self._table, self._hook, *shown]
        self._new.click(
            self._added, [self._url, self._wanted, language], [*told, self._url, self._wanted],
            **QUIET,
        )  # fmt: skip
        for button, act in (
            (self._test, self._tested),
            (self._pause, self._paused),
            (self._retry, self._retried),
        ):
            button.click(act, chosen, told, **QUIET)
        self._remove.click(self._removed, [*chosen, self._armed], told, **QUIET)

    def fill(self, language: str) -> Updates:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _followed(self, chosen: str | None, state: str, language: str) -> Updates:
        """All webhooks, and the chosen one as it is now."""
        listed = self._listed(texts(language), chosen)
        return {**listed, **self._looked(chosen, state, language)}

    def _listed(self, words: Texts, chosen: str | None) -> Updates:
        hooks, choices = self._webhooks.all(), self._choices()
        return {self._table: _table(hooks, words), self._hook: relisted(choices, chosen)}

    def _choices(self) -> list[tuple[str, str]]:
        return [(f"{hook.url} · {hook.id}", hook.id) for hook in self._webhooks.all()]

    def _looked(self, chosen: str | None, state: str, language: str) -> Updates:
        """One webhook with its latest deliveries."""
        words = texts(language)
        try:
            hook = self._webhooks.find(chosen or "")
            latest = self._webhooks.deliveries(
                hook.id, next((s for s in STATES if s == state), None), SHOWN
            )
        except NotFound:  # none chosen, or removed meanwhile
            return {self._one: gr.update(visible=False), self._armed: ""}
        return {
            self._one: gr.update(visible=True),
            self._pause: words("webhooks.resume" if hook.paused else "webhooks.pause"),
            self._remove: words("webhooks.remove"),
            self._armed: "",
            self._deliveries: _deliveries([one for _, one in latest], words),
            self._retry: gr.update(visible=hook.dead > 0),
        }

    def _added(self, url: str, events: list[str], language: str, request: gr.Request) -> Updates:
        words, by = texts(language), account(request)
        try:
            hook, secret = self._webhooks.add(url, events, by, loopback=self._loopback)
        except (BadAddress, ChatbotError) as error:
            said = problem(words("desk.failed", error=error))
            return {self._said: said, self._secret: gr.update(value="", visible=False)}
        return {
            **self._listed(words, hook.id),
            self._hook: gr.update(choices=self._choices(), value=hook.id),
            **self._looked(hook.id, "", language),
            self._said: done(words("webhooks.added")),
            self._secret: gr.update(value=secret, visible=True),
            self._url: "",
            self._wanted: [],
        }

    def _act(
        self, chosen: str | None, state: str, language: str, act: Callable[[Webhook], str]
    ) -> Updates:
        """Do it to the chosen webhook, and show what it is now. act: gives what to say."""
        words, hidden = texts(language), {self._secret: gr.update(value="", visible=False)}
        try:
            said = act(self._webhooks.find(chosen or ""))
        except NotFound:
            said = problem(words("webhooks.gone" if chosen else "webhooks.choose"))
        except ChatbotError as error:
            said = problem(words("desk.failed", error=error))
        shown = {**self._listed(words, chosen), **self._looked(chosen, state, language)}
        return {**shown, **hidden, self._said: said}

    def _tested(self, chosen: str | None, state: str, language: str) -> Updates:
        def test(hook: Webhook) -> str:
            words = texts(language)
            outcome = self._webhooks.test(hook.id, loopback=self._loopback)
            if outcome.taken:
                return done(words("webhooks.taken", status=outcome.status))
            return problem(
                words("webhooks.not_taken", error=_why(outcome.error, outcome.status, words))
            )

        return self._act(chosen, state, language, test)

    def _paused(
        self, chosen: str | None, state: str, language: str, request: gr.Request
    ) -> Updates:
        def pause(hook: Webhook) -> str:
            self._webhooks.pause(hook.id, account(request), on=not hook.paused)
            return done(texts(language)("webhooks." + ("resumed" if hook.paused else "paused")))

        return self._act(chosen, state, language, pause)

    def _retried(
        self, chosen: str | None, state: str, language: str, request: gr.Request
    ) -> Updates:
        def retry(hook: Webhook) -> str:
            count = self._webhooks.retry(hook.id, account(request))
            return done(texts(language)("webhooks.retried", count=count))

        return self._act(chosen, state, language, retry)

    def _removed(
        self, chosen: str | None, state: str, language: str, armed: str, request: gr.Request
    ) -> Updates:
        """The first click asks again, the second removes."""
        words = texts(language)
        if chosen and armed != chosen:
            return {self._armed: chosen, self._remove: words("webhooks.remove_sure")}

        def remove(hook: Webhook) -> str:
            self._webhooks.remove(hook.id, account(request))
            return done(words("webhooks.removed"))

        return self._act(chosen, state, language, remove)


def _events(words: Texts) -> list[tuple[str, str]]:
    return [
        (words(f"webhooks.event_{event.value.replace('.', '_')}"), event.value) for event in Event
    ]


def _states(words: Texts) -> list[tuple[str, str]]:
    return [(words("webhooks.all"), ""), *((words(f"webhooks.{s}"), s) for s in STATES)]


def _table(hooks: tuple[Webhook, ...], words: Texts) -> str:
    if not hooks:
        return hint(words("webhooks.none"))
    named = {value: name for name, value in _events(words)}
    rows = [
        [
            hook.url,
            hook.id,
            ", ".join(named.get(event, event) for event in hook.events),
            words("webhooks.state_paused" if hook.paused else "webhooks.state_on"),
            *map(str, (hook.waiting, hook.sent, hook.dead)),
        ]
        for hook in hooks
    ]
    names = ("url", "id", "tells", "state", *STATES)
    return render.table([words(f"webhooks.{name}") for name in names], rows, "results hooks")


def _deliveries(found: list[Delivery], words: Texts) -> str:
    if not found:
        return hint(words("webhooks.no_deliveries"))
    named = {value: name for name, value in _events(words)}
    rows = [
        [
            _moment(one.created),
            named.get(one.event, one.event),
            words(f"webhooks.{one.state}"),
            str(one.tries),
            _moment(one.due) if one.state == "waiting" else "",
            _why(one.error, one.status, words),
        ]
        for one in found
    ]
    names = ("created", "event", "state", "tries", "due", "answer")
    return render.table([words(f"webhooks.{name}") for name in names], rows, "results history")


def _why(error: str, status: int | None, words: Texts) -> str:
    """Why a message was not taken, or the status of the answer to one that was."""
    if error and status:
        return words("webhooks.answered", status=status)
    return words.named("webhook_error", error) if error else str(status or "")


def _moment(iso: str) -> str:
    return iso[:19].replace("T", " ")
