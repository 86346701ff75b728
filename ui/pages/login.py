"""The staff's log-in, set-up, invitation, password and log-out pages: HTML without scripts."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from string import Template
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from chatbot.errors import ChatbotError
from ui.accounts import NAME, Accounts, Refused
from ui.cookies import desk_cookie, desk_token, set_desk_cookie
from ui.invites import Invites
from ui.texts import Texts, preferred, texts

PAGE = Template("""<!doctype html>
<html lang="$language"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light"><title>$title</title>
<link rel="icon" href="/ui-static/mark.svg"><link rel="stylesheet" href="/ui-static/login.css">
</head><body><main><img class="mark" src="/ui-static/mark.svg" alt="" width="44" height="44">
<h1>$title</h1><p class="lead">$lead</p>$problem$form
</main></body></html>""")
FORM = Template(
    '<form method="post" action="$action">$fields<button type="submit">$button</button></form>'
)
Rename = Callable[[str, str], None]  # account, the name that customers see


def router(accounts: Accounts, invites: Invites, rename: Rename) -> APIRouter:
    """/desk/login, /desk/setup, /desk/invite, /desk/password and /desk/logout."""
    routes = APIRouter(include_in_schema=False)
    _log_in(routes, accounts)
    _invited(routes, invites, rename)
    _password(routes, accounts)
    return routes


def _log_in(routes: APIRouter, accounts: Accounts) -> None:
    @routes.get("/desk/login")
    def login(request: Request) -> Response:
        return _form(accounts, _language(request))

    @routes.post("/desk/login")
    async def log_in(request: Request) -> Response:
        form = await _fields(request)
        old = desk_token(request.scope)
        name, password = form.get("name", NAME).strip(), form.get("password", "")
        try:
            token = await run_in_threadpool(accounts.log_in, name, password, _address(request), old)
        except Refused as refused:
            return _form(accounts, _language(request), refused)
        return _entered(request, token)

    @routes.post("/desk/setup")
    async def set_up(request: Request) -> Response:
        form = await _fields(request)
        token = form.get("token", "")
        try:
            password = _new_password(form)
            opened = await run_in_threadpool(accounts.set_up, token, password, _address(request))
        except Refused as refused:
            return _form(accounts, _language(request), refused)
        return _entered(request, opened)

    @routes.get("/desk/logout")
    def ask(request: Request) -> Response:
        words = _language(request)
        return _page(words, "login.out_title", "login.out_lead", "/desk/logout", "", "login.out")

    @routes.post("/desk/logout")
    async def log_out(request: Request) -> Response:
        await run_in_threadpool(accounts.log_out, desk_token(request.scope) or "")
        response = RedirectResponse("/desk/login", status_code=303)
        response.delete_cookie(desk_cookie(request.scope), path="/")
        return response


def _invited(routes: APIRouter, invites: Invites, rename: Rename) -> None:
    @routes.get("/desk/invite")
    def invited(request: Request, token: str = "") -> Response:
        return _invitation(invites, token, _language(request))

    @routes.post("/desk/invite")
    async def accept(request: Request) -> Response:
        form = await _fields(request)
        token = form.get("token", "")
        try:
            password = _new_password(form)
            name, opened = await run_in_threadpool(
                invites.accept, token, password, _address(request)
            )
        except Refused as refused:
            return _invitation(invites, token, _language(request), refused)
        try:
            if shown := form.get("shown", "").strip():
                await run_in_threadpool(rename, name, shown)
        except ChatbotError:
            pass  # too long: it can be given in the inbox, and the account is there
        return _entered(request, opened)


def _password(routes: APIRouter, accounts: Accounts) -> None:
    @routes.get("/desk/password")
    def ask(request: Request) -> Response:
        return _other_password(request)

    @routes.post("/desk/password")
    async def change(request: Request) -> Response:
        form = await _fields(request)
        name = request.state.staff.name
        try:
            new = _new_password(form)
            token = await run_in_threadpool(
                accounts.change_password, name, form.get("old", ""), new, _address(request)
            )
        except Refused as refused:
            return _other_password(request, refused)
        return _entered(request, token)


def _new_password(form: dict[str, str]) -> str:
    password = form.get("password", "")
    if password != form.get("again", ""):
        raise Refused("login.different")
    return password


def _form(accounts: Accounts, words: Texts, refused: Refused | None = None) -> Response:
    if accounts.ready():
        only = accounts.all()
        name = NAME if len(only) == 1 and only[0].name == NAME else ""
        fields = _field(words("login.name"), "name", "text", "username", name) + _field(
            words("login.password"), "password", "password", "current-password"
        )
        shown = ("login.title", "login.lead", "/desk/login", fields, "login.enter")
    else:
        fields = _field(words("login.token"), "token", "text", "one-time-code")
        fields += _two_passwords(words)
        shown = ("login.setup", "login.setup_lead", "/desk/setup", fields, "login.set")
    return _page(words, *shown, refused=refused)


def _invitation(
    invites: Invites, token: str, words: Texts, refused: Refused | None = None
) -> Response:
    invite = invites.find(token)
    if invite is None:
        refused = refused if refused and refused.wait else Refused("login.bad_invite")
        return _page(
            words, "login.invite", "login.invite_over", "", "", "login.set", refused=refused
        )
    fields = (
        f'<input type="hidden" name="token" value="{escape(token)}">'
        + _field(words("login.name"), "name", "text", "username", invite.name, "readonly")
        + _field(words("login.shown"), "shown", "text", "nickname", "", 'maxlength="60"')
        + _two_passwords(words)
    )
    shown = ("login.invite", "login.invite_lead", "/desk/invite", fields, "login.set")
    return _page(words, *shown, refused=refused)


def _other_password(request: Request, refused: Refused | None = None) -> Response:
    words = _language(request)
    fields = _field(words("login.old_password"), "old", "password", "current-password")
    fields += _two_passwords(words)
    shown = ("login.change", "login.change_lead", "/desk/password", fields, "login.change")
    return _page(words, *shown, refused=refused)


def _two_passwords(words: Texts) -> str:
    return _field(words("login.new_password"), "password", "password", "new-password") + _field(
        words("login.again"), "again", "password", "new-password"
    )


def _page(
    words: Texts,
    title: str,
    lead: str,
    action: str,
    fields: str,
    button: str,
    *,
    refused: Refused | None = None,
) -> Response:
    """A form with its reason to be here; without `action` only that."""
    problem, status, headers = "", 200, {}
    if refused is not None:
        status = 429 if refused.wait else 403
        headers = {"Retry-After": str(refused.wait)} if refused.wait else {}
        text = words(refused.key, seconds=refused.wait)
        problem = f'<p class="problem" role="alert">{escape(text)}</p>'
    form = FORM.substitute(action=action, fields=fields, button=escape(words(button)))
    body = PAGE.substitute(
        language=words.language,
        title=escape(words(title)),
        lead=escape(words(lead)),
        problem=problem,
        form=form if action else "",
    )
    return HTMLResponse(body, status_code=status, headers=headers)


def _field(
    label: str, name: str, kind: str, complete: str, value: str = "", more: str = "required"
) -> str:
    filled = f' value="{escape(value)}"' if value else ""
    long = "" if "maxlength" in more else ' maxlength="256"'
    return (
        f'<label>{escape(label)}<input name="{name}" type="{kind}" autocomplete="{complete}"'
        f'{filled} {more}{long} spellcheck="false"></label>'
    )


async def _fields(request: Request) -> dict[str, str]:
    """The form's fields; bytes that are not UTF-8 become replacement characters."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        parsed = parse_qs(body, keep_blank_values=True, max_num_fields=10, errors="replace")
    except ValueError:
        return {}
    return {name: values[0] for name, values in parsed.items()}


def _entered(request: Request, token: str) -> Response:
    response = RedirectResponse("/desk/", status_code=303)
    response.headers.append("set-cookie", set_desk_cookie(request.scope, token))
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _language(request: Request) -> Texts:
    return texts(preferred(request.headers.get("accept-language", "")))
