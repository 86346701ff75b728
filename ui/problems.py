"""Errors the same everywhere: problem+json (RFC 9457), one sentence, no trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

PROBLEM = "application/problem+json"
FULL = "Nothing can be stored here right now; please try again later."  # a full disk


def problem(status: int, detail: str, request_id: str, **more: Any) -> dict[str, Any]:
    """The members of RFC 9457; `error` is `detail` again, under the name that it had before."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error",
        "status": status,
        "detail": detail,
        "error": detail,
        "request_id": request_id,
        **more,
    }


def problem_response(
    status: int, detail: str, request_id: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """The same as an answer."""
    body = problem(status, detail, request_id, **more)
    return JSONResponse(body, status, headers, media_type=PROBLEM)


def request_id(request: Request) -> str:
    """The id that the guard gave to this request."""
    return str(getattr(request.state, "request_id", ""))


async def refused(request: Request, error: Exception) -> JSONResponse:
    """An HTTPException of a route."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem_response(error.status_code, str(error.detail), request_id(request), headers)


async def invalid(request: Request, error: Exception) -> JSONResponse:
    """A body, path or query that does not fit."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    message = f"{where or 'body'}: {first['msg']}."
    return problem_response(422, message, request_id(request))
