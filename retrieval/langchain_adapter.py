"""A workspace as a LangChain retriever. The only file that knows LangChain (`pip install raftsmith[langchain]`)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Lock
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, PrivateAttr

from corpora.progress import Say, quiet
from retrieval.records import Hit
from retrieval.search.collection import open_collection
from retrieval.search.retriever import Mode, Searcher


class RaftsmithRetriever(BaseRetriever):
    """A LangChain retriever over a searcher: `page_content` is the chunk, word for word, `id` its id.

    The metadata: `source`, `title`, `section`, `page`, `start` and `end` (characters of the document's text), `score`,
    `rank`, `chunk_id`, `document_id`, `collection`, `snapshot`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    searcher: Any = Field(exclude=True, repr=False)
    k: int = Field(default=5, ge=1, le=1000)
    mode: Mode = "hybrid"
    _lock: Any = PrivateAttr(default_factory=Lock)  # one SQLite connection: a search at a time

    @classmethod
    def from_workspace(cls, folder: Path | str, k: int = 5, mode: Mode = "hybrid", say: Say = quiet) -> RaftsmithRetriever:
        """A retriever over the workspace in `folder`, searched as its raftsmith.toml says.

        Raises RaftsmithError when there is none. `say` gets a line when something takes long, such as building the
        index of vectors.
        """
        return cls(searcher=open_collection(Path(folder), say, joined=True, background=True).retriever, k=k, mode=mode)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None, mode: Mode | None = None
    ) -> list[Document]:
        return self._search(query, k, mode)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None, mode: Mode | None = None
    ) -> list[Document]:
        return await asyncio.to_thread(self._search, query, k, mode)

    def _search(self, query: str, k: int | None, mode: Mode | None) -> list[Document]:
        """The documents for `query`; `k` and `mode`, as `invoke` was given them, go over the retriever's own."""
        # Checked as they are when a retriever is made.
        chosen = type(self)(searcher=self.searcher, k=self.k if k is None else k, mode=self.mode if mode is None else mode)
        searcher: Searcher = self.searcher
        with self._lock:
            result = searcher.search([query], chosen.k, chosen.mode)[0]
        return [to_document(hit, result.snapshot) for hit in result.hits]


def to_document(hit: Hit, snapshot: int) -> Document:
    """A hit as a LangChain document; what the source does not have (a page, a section) is left out."""
    chunk = hit.chunk
    facts = {
        "source": chunk.source,
        "title": chunk.title,
        "section": chunk.section,
        "page": chunk.page,
        "start": chunk.start,
        "end": chunk.end,
        "score": hit.score,
        "rank": hit.rank,
        "chunk_id": chunk.id,
        "document_id": chunk.document_id,
        "collection": chunk.collection,
        "snapshot": snapshot,
    }
    return Document(
        id=chunk.id, page_content=chunk.text, metadata={key: value for key, value in facts.items() if value not in (None, "")}
    )
