"""Run by the Python that has `argilla-server`: the real server and its database, with a search engine that indexes nothing.

    python argilla_without_search.py PORT

Elasticsearch is no Python package. Records live in the database, and loading, validating, answering and listing them asks the
engine only to index and to count; whoever searches by words here finds nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from argilla_server._app import create_server_app
from argilla_server.search_engine.base import SearchEngine, SearchResponses
from argilla_server.settings import settings

INDEXING = (
    "create_index delete_index configure_metadata_property index_records partial_record_update delete_records "
    "update_record_response delete_record_response update_record_suggestion delete_record_suggestion close"
).split()


async def _nothing(self: Any, *values: Any, **more: Any) -> None:
    return None


class Nothing(SearchEngine):
    """Takes everything in and finds nothing."""

    @classmethod
    async def new_instance(cls) -> Nothing:
        return cls()

    async def ping(self) -> bool:
        return True

    async def info(self) -> dict[str, Any]:
        return {}

    async def get_dataset_progress(self, dataset: Any) -> dict[str, Any]:
        return {"total": 0}

    async def get_dataset_user_progress(self, dataset: Any, user: Any) -> dict[str, Any]:
        return {"total": 0}

    async def search(self, *values: Any, **more: Any) -> SearchResponses:
        return SearchResponses(items=[], total=0)

    async def similarity_search(self, *values: Any, **more: Any) -> SearchResponses:
        return SearchResponses(items=[], total=0)

    async def compute_metrics_for(self, metadata_property: Any) -> Any:
        raise NotImplementedError


if __name__ == "__main__":
    for name in INDEXING:
        setattr(Nothing, name, _nothing)
    Nothing.__abstractmethods__ = frozenset()
    SearchEngine.register("nothing")(Nothing)
    settings.search_engine = "nothing"
    uvicorn.run(create_server_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
