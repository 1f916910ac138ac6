"""Failures as HTTP answers in OpenAI's error shape.

Texts of questions and documents never get into one, nor into the log.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

log = logging.getLogger("raftsmith.serving")
RETRY_AFTER_S = 2


class ErrorDetail(BaseModel):
    """OpenAI's description of a failure."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(BaseModel):
    """OpenAI's error body."""

    error: ErrorDetail


class ApiError(Exception):
    """A request that cannot be served, with the status, code and parameter its sender is told."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`param` names the field of the request at fault; `code` is OpenAI's word for the failure, if any."""
        super().__init__(message)
        self.status = status
        self.detail = ErrorDetail(
            message=message, type="invalid_request_error" if status < 500 else "server_error", param=param, code=code
        )
        self.headers = dict(headers or {})


def unavailable(message: str, code: str) -> ApiError:
    """A 503 with the seconds after which to come back."""
    return ApiError(503, message, code=code, headers={"Retry-After": str(RETRY_AFTER_S)})


def internal() -> ApiError:
    """A 500 without any of what was asked or found; the log has the kind and the place."""
    return ApiError(500, "the server failed to answer; its log has the kind of failure", code="internal_error")


def error_response(error: ApiError) -> Response:
    """The answer to a request that failed."""
    body = json.dumps(ErrorResponse(error=error.detail).model_dump())
    return Response(body, error.status, error.headers, media_type="application/json")


def log_failure(error: BaseException) -> None:
    """Log the kind and place of an unexpected error, in one line.

    Its message is left out: it may hold text of a document.
    """
    frames = traceback.extract_tb(error.__traceback__)
    location = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    log.error("a request failed: %s at %s", type(error).__name__, location)


def parameter(location: tuple[int | str, ...]) -> str | None:
    """A pydantic error location as OpenAI writes it: ("body", "messages", 0, "role") is "messages[0].role"."""
    name = ""
    for part in location[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or None


def install_handlers(app: FastAPI) -> None:
    """Give every error that the application raises OpenAI's shape; `RequestGuard` answers those it does not foresee."""

    def api(request: Request, error: Exception) -> Response:
        if not isinstance(error, ApiError):
            raise error
        return error_response(error)

    def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return error_response(ApiError(400, "the body is not JSON", code="invalid_json"))
        name = parameter(first["loc"])
        message = f"{name or 'the body'}: {first['msg']}"
        code = first["type"] if first["type"].startswith("unsupported") else "invalid_value"
        return error_response(ApiError(400, message, code=code, param=name))

    def http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        codes = {404: "not_found", 405: "method_not_allowed"}
        wrapped = ApiError(error.status_code, str(error.detail), code=codes.get(error.status_code), headers=error.headers)
        return error_response(wrapped)

    app.add_exception_handler(ApiError, api)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
