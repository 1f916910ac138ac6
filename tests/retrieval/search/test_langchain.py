"""The LangChain retriever: the same hits as search, in a chain, asynchronously, and over a whole workspace."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from pydantic import ValidationError

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import WorkspaceError
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import create_workspace
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.langchain_adapter import RaftsmithRetriever
from retrieval.search.retriever import Retriever
from serving.configuration import SECTIONS


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    config = create_workspace(tmp_path, SECTIONS)
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-256"'))
    (tmp_path / "a.md").write_text("# Lease\n\n## Notice\n\nThe notice period is two months. It ends at midnight.\n")
    (tmp_path / "b.txt").write_text("Rent is due on the first of May.\n\nThe deposit is two rents.")
    store = CorpusStore(tmp_path / "corpus.db")
    add_files(store, tmp_path, HashingEncoder(), [tmp_path / "a.md", tmp_path / "b.txt"], "legal", ChunkOptions(8))
    store.close()
    return tmp_path


@pytest.fixture
def plain(workspace: Path) -> Iterator[Retriever]:
    store = CorpusStore(workspace / "corpus.db")
    yield Retriever(store, workspace, HashingEncoder())
    store.close()


def test_documents_are_the_hits(workspace: Path, plain: Retriever) -> None:
    retriever = RaftsmithRetriever(searcher=plain, k=3)
    found = retriever.invoke("notice period")
    hits = plain.search(["notice period"], 3)[0].hits
    assert [document.page_content for document in found] == [hit.chunk.text for hit in hits]
    first = found[0]
    assert isinstance(first, Document) and first.id == hits[0].chunk.id
    assert first.page_content == "The notice period is two months."
    facts = first.metadata
    assert facts["source"] == str(workspace / "a.md") and facts["section"] == "Notice" and "page" not in facts
    assert facts["rank"] == 1 and facts["end"] - facts["start"] == len(first.page_content) and facts["collection"] == "legal"
    assert facts["chunk_id"] == first.id and facts["score"] == hits[0].score and facts["snapshot"] >= 1


def test_in_a_chain_and_many_at_once(plain: Retriever) -> None:
    retriever = RaftsmithRetriever(searcher=plain, k=2)
    chain = retriever | RunnableLambda(lambda documents: "\n".join(document.page_content for document in documents))
    assert "notice period" in chain.invoke("notice period")
    questions = ["notice period", "rent due", "deposit"] * 8
    one_by_one = [[d.id for d in retriever.invoke(question)] for question in questions]

    async def together() -> list[list[Document]]:
        return list(await asyncio.gather(*(retriever.ainvoke(question) for question in questions)))

    assert [[d.id for d in found] for found in asyncio.run(together())] == one_by_one
    assert [[d.id for d in found] for found in retriever.batch(questions)] == one_by_one


def test_from_a_workspace(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    retriever = RaftsmithRetriever.from_workspace(workspace, k=1, mode="lexical")
    assert retriever.invoke("deposit")[0].page_content == "The deposit is two rents."
    assert "searcher" not in repr(retriever)
    with pytest.raises(WorkspaceError, match="raftsmith init"):
        RaftsmithRetriever.from_workspace(tmp_path_factory.mktemp("nothing"))


def test_what_it_takes(plain: Retriever) -> None:
    for wrong in ({"k": 0}, {"mode": "clever"}, {"kk": 3}):
        with pytest.raises(ValidationError):
            RaftsmithRetriever(searcher=plain, **wrong)


def test_what_invoke_is_given_goes_over_the_retrievers_own(plain: Retriever) -> None:
    retriever = RaftsmithRetriever(searcher=plain, k=3)
    assert len(retriever.invoke("notice period")) == 3
    one = retriever.invoke("notice period", k=1)
    assert [d.id for d in one] == [hit.chunk.id for hit in plain.search(["notice period"], 1)[0].hits]
    assert [d.id for d in asyncio.run(retriever.ainvoke("notice period", k=1))] == [d.id for d in one]
    assert retriever.invoke("deposit", mode="lexical", k=1)[0].page_content == "The deposit is two rents."
    assert [[d.id for d in found] for found in retriever.batch(["notice period"], k=1)] == [[d.id for d in one]]
    for wrong in ({"k": 0}, {"k": "many"}, {"mode": "clever"}):
        with pytest.raises(ValidationError):
            retriever.invoke("notice period", **wrong)
