"""Errors under /v1 in the shape that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

PATHS = "/v1/"  # the guard's own refusals have this shape too
KINDS = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class Refused(HTTPException):
    """An error that names the parameter at fault and a code that programs can compare."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str = "") -> None:
        super().__init__(status, message)
        self.param = param
        self.code = code


def error_body(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """{"error": {"message", "type", "param", "code"}}"""
    kind = KINDS.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


class OpenAIRoute(APIRoute):
    """A route whose errors have that shape; a body that does not fit is a 400, as there."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as error:
                body = error_body(error.status_code, error.detail, error.param, error.code or None)
                return JSONResponse(body, error.status_code)
            except HTTPException as error:
                headers = dict(error.headers) if error.headers else None
                body = error_body(error.status_code, str(error.detail))
                return JSONResponse(body, error.status_code, headers)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"] if part != "body")
                message = f"{where or 'body'}: {first['msg']}."
                return JSONResponse(error_body(400, message, where or None), 400)

        return handled
