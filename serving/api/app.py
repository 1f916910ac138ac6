"""The routes of the API, and whether the server is ready.

Models are in `model_catalog`, answering in `chat_completions`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Response

from raft.answering.assistant import Assistant
from serving.api.chat_completions import ChatResponse
from serving.api.chat_schemas import ChatCompletion, ChatRequest, Model, ModelList
from serving.api.model_catalog import ModelCatalog
from serving.http.admission import MAX_WAITING, Admission
from serving.http.errors import ErrorResponse, install_handlers, unavailable
from serving.http.request_guard import RequestGuard
from serving.http.request_log import RequestLog

_ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorResponse} for status in (400, 403, 404, 413, 500, 503)}


def create_app(
    assistants: Mapping[str, Assistant], *, ready: Callable[[], bool] = lambda: True, waiting: int = MAX_WAITING
) -> FastAPI:
    """The application that serves `assistants`, by model id.

    Its `Admission` is `app.state.admission` and its `ModelCatalog` `app.state.catalog`. `ready` is asked by GET /ready
    besides whether the server stops; `waiting` bounds the queue. There are no documentation pages, as those load
    scripts from elsewhere; the schema is at /openapi.json. Raises RaftsmithError when there is no assistant or one that
    cannot be served.
    """
    catalog = ModelCatalog(assistants)
    admission = Admission(waiting)
    created = int(time.time())
    app = FastAPI(title="raftsmith", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.admission, app.state.catalog = admission, catalog
    app.add_middleware(RequestGuard)
    app.add_middleware(RequestLog)
    install_handlers(app)

    @app.post("/v1/chat/completions", response_model=ChatCompletion, responses=_ERRORS)
    async def chat_completions(request: ChatRequest) -> Response:
        """Answer the last user message from the documents, with quotes as annotations."""
        return ChatResponse(request, catalog.find(request.model), admission)

    @app.get("/v1/models")
    async def list_models() -> ModelList:
        """The models that can be asked."""
        return ModelList(data=[Model(id=name, created=created) for name in catalog.names])

    @app.get("/v1/models/{model_id}", responses=_ERRORS)
    async def get_model(model_id: str) -> Model:
        """One model."""
        catalog.find(model_id)
        return Model(id=model_id, created=created)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process lives and its event loop turns."""
        return {"status": "ok"}

    @app.get("/ready", responses=_ERRORS)
    async def readiness() -> dict[str, bool]:
        """New questions are welcome; 503 from the moment the server is told to stop."""
        if admission.stopping:
            raise unavailable("the server is stopping", "stopping")
        if not ready():
            raise unavailable("the server is not ready yet", "not_ready")
        return {"ready": True}

    return app
