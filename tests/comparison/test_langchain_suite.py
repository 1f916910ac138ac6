"""LangChain's own suite for retrievers, over a real workspace. Runs where `langchain-tests` is installed, with

python -m pytest -o asyncio_mode=auto tests/comparison/test_langchain_suite.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.langchain_adapter import RaftsmithRetriever
from retrieval.search.retriever import Retriever

standard = pytest.importorskip("langchain_tests.integration_tests", reason="langchain-tests is not installed")


@pytest.fixture(scope="class")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    root = tmp_path_factory.mktemp("workspace")
    (root / "lease.txt").write_text(
        "\n\n".join(f"Rent number {n} is due on day {n} of May, and notice is two months." for n in range(1, 20))
    )
    store = CorpusStore(root / "corpus.db")
    add_files(store, root, HashingEncoder(), [root / "lease.txt"], "legal", ChunkOptions(12))
    return Retriever(store, Path(root), HashingEncoder())


class TestRaftsmithRetriever(standard.RetrieversIntegrationTests):
    """All of the suite's tests."""

    @pytest.fixture(autouse=True)
    def _over(self, searcher: Retriever) -> None:
        type(self)._searcher = searcher

    @property
    def retriever_constructor(self) -> type[RaftsmithRetriever]:
        return RaftsmithRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        return {"searcher": self._searcher, "k": 4}

    @property
    def retriever_query_example(self) -> str:
        return "when is the rent due"
