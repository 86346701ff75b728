"""The staff's log-in, set-up and log-out pages: small server-rendered HTML without scripts."""

from __future__ import annotations

from html import escape
from string import Template
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from ui.accounts import NAME, Accounts, Refused
from ui.guard import desk_cookie, desk_token
from ui.texts import Texts, preferred, texts

PAGE = Template("""<!doctype html>
<html lang="$language"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light"><title>$title</title>
<link rel="icon" href="/ui-static/mark.svg"><link rel="stylesheet" href="/ui-static/login.css">
</head><body><main><img class="mark" src="/ui-static/mark.svg" alt="" width="44" height="44">
<h1>$title</h1><p class="lead">$lead</p>$problem
<form method="post" action="$action">$fields<button type="submit">$button</button></form>
</main></body></html>""")


def router(accounts: Accounts) -> APIRouter:
    """/desk/login, /desk/setup and /desk/logout."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/desk/login")
    def login(request: Request) -> Response:
        return _form(accounts, _language(request))

    @routes.post("/desk/login")
    async def log_in(request: Request) -> Response:
        form = await _fields(request)
        old = desk_token(request.scope)
        name, password = form.get("name", NAME), form.get("password", "")
        try:
            token = await run_in_threadpool(accounts.log_in, name, password, _address(request), old)
        except Refused as refused:
            return _form(accounts, _language(request), refused)
        return _entered(request, token)

    @routes.post("/desk/setup")
    async def set_up(request: Request) -> Response:
        form = await _fields(request)
        token, password = form.get("token", ""), form.get("password", "")
        try:
            if password != form.get("again", ""):
                raise Refused("login.different")
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

    return routes


def _form(accounts: Accounts, words: Texts, refused: Refused | None = None) -> Response:
    problem, status, headers = "", 200, {}
    if refused is not None:
        status = 429 if refused.wait else 403
        headers = {"Retry-After": str(refused.wait)} if refused.wait else {}
        text = words(refused.key, seconds=refused.wait)
        problem = f'<p class="problem" role="alert">{escape(text)}</p>'
    if accounts.ready():
        fields = _field(words("login.name"), "name", "text", "username", NAME) + _field(
            words("login.password"), "password", "password", "current-password"
        )
        page = _page(words, "login.title", "login.lead", "/desk/login", fields, "login.enter")
    else:
        fields = (
            _field(words("login.token"), "token", "text", "one-time-code")
            + _field(words("login.new_password"), "password", "password", "new-password")
            + _field(words("login.again"), "again", "password", "new-password")
        )
        page = _page(words, "login.setup", "login.setup_lead", "/desk/setup", fields, "login.set")
    body = bytes(page.body).decode().replace("<!--problem-->", problem)
    return HTMLResponse(body, status_code=status, headers=headers)


def _page(words: Texts, title: str, lead: str, action: str, fields: str, button: str) -> Response:
    return HTMLResponse(
        PAGE.substitute(
            language=words.language,
            title=escape(words(title)),
            lead=escape(words(lead)),
            problem="<!--problem-->",
            action=action,
            fields=fields,
            button=escape(words(button)),
        )
    )


def _field(label: str, name: str, kind: str, complete: str, value: str = "") -> str:
    filled = f' value="{escape(value)}"' if value else ""
    return (
        f'<label>{escape(label)}<input name="{name}" type="{kind}" autocomplete="{complete}"'
        f'{filled} required maxlength="256" spellcheck="false"></label>'
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
    response.set_cookie(
        desk_cookie(request.scope),
        token,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.scope.get("scheme") == "https",
    )
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _language(request: Request) -> Texts:
    return texts(preferred(request.headers.get("accept-language", "")))
