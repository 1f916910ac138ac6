"""The models that are served now, by id; they are replaced all at once, while requests go on.

Knows no routes and loads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from corpora.errors import RaftsmithError
from raft.answering.assistant import Assistant
from serving.api.chat_turn import ServedModel, served_model
from serving.http.errors import ApiError

BASE_MODEL_ID = "raftsmith-base"
CURRENT_ID = "raftsmith"
"""Whatever is served now: the id that a client keeps when the run behind it changes."""


class ModelCatalog:
    """The assistants that are served, by model id; the first of them is `CURRENT_ID` as well."""

    def __init__(self, assistants: Mapping[str, Assistant]) -> None:
        """Raises RaftsmithError when there is no assistant or one that cannot be served."""
        self._served = _by_id(assistants)

    def replace(self, assistants: Mapping[str, Assistant]) -> None:
        """Serve these from the next request on; raises as the constructor does, and then nothing has changed.

        One assignment, so that a request finds all of the old ones or all of the new ones. Who has found a model keeps
        it to the end of the answer; with the last such request the old one's memory is free.
        """
        self._served = _by_id(assistants)

    @property
    def names(self) -> list[str]:
        """The ids that can be asked for."""
        return list(self._served)

    def find(self, name: str) -> ServedModel:
        """The model that is asked for by `name` now. Raises ApiError 404."""
        model = self._served.get(name)
        if model is None:
            raise ApiError(
                404,
                f'no such model is served; GET /v1/models lists those that are, and "{CURRENT_ID}" is always served',
                code="model_not_found",
                param="model",
            )
        return model


def _by_id(assistants: Mapping[str, Assistant]) -> dict[str, ServedModel]:
    if not assistants:
        raise RaftsmithError("there is no assistant to serve; give one or more")
    served = {name: served_model(name, assistant) for name, assistant in assistants.items()}
    return {CURRENT_ID: next(iter(served.values())), **served}
