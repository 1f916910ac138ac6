"""Other tools' default retrieval, each on the same encoder: LangChain, LlamaIndex, bm25s. They live in an environment of their own.

A peer cuts and searches as it does by default; only how many results it gives is raised, so that there are ten documents to judge.
Their exact searches are done here as one matrix product, after a check that the tool itself ranks the same.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrieval.encoders.encoder import Encoder
from retrieval.evaluation.qrels import Run

DEEP = 100
CHECKED = 12
Documents = dict[str, tuple[str, str]]


def langchain(documents: Documents, queries: dict[str, str], encoder: Encoder) -> Run:
    """RecursiveCharacterTextSplitter at 1,000 characters with 200 of overlap, cosine similarity in its InMemoryVectorStore."""
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    class Vectors(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [list(map(float, row)) for row in encoder.encode(texts)]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    pieces = splitter.split_documents(
        [Document(page_content=_whole(d), metadata={"id": name}) for name, d in documents.items()]
    )
    owners, texts = [piece.metadata["id"] for piece in pieces], [piece.page_content for piece in pieces]

    def own(asked: str) -> list[tuple[str, float]]:
        return [(found.page_content, score) for found, score in store.similarity_search_with_score(asked, k=5)]

    store = InMemoryVectorStore(Vectors())
    store.add_documents(pieces)
    return _exact(owners, texts, queries, encoder, own)


def llama_index(documents: Documents, queries: dict[str, str], encoder: Encoder) -> Run:
    """SentenceSplitter at 1,024 tokens with 20 of overlap in a VectorStoreIndex."""
    from llama_index.core import Document, Settings, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding

    class Vectors(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [list(map(float, row)) for row in encoder.encode(texts)]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    Settings.llm = None
    index = VectorStoreIndex.from_documents(
        [Document(text=_whole(d), doc_id=name) for name, d in documents.items()], embed_model=Vectors(embed_batch_size=512)
    )
    nodes = list(index.docstore.docs.values())
    owners, texts = [str(node.ref_doc_id) for node in nodes], [node.get_content(metadata_mode="embed") for node in nodes]
    retriever = index.as_retriever(similarity_top_k=5)

    def own(asked: str) -> list[tuple[str, float]]:
        return [(found.node.get_content(metadata_mode="embed"), float(found.score)) for found in retriever.retrieve(asked)]

    return _exact(owners, texts, queries, encoder, own)


def bm25s(documents: Documents, queries: dict[str, str], stemmed: bool = False) -> Run:
    """BM25 over whole documents as bm25s does it by default, with its English stop words; with PyStemmer when `stemmed`."""
    import bm25s as library

    stemmer: Any = None
    if stemmed:
        import Stemmer

        stemmer = Stemmer.Stemmer("english")
    names = list(documents)

    def tokens(texts: Sequence[str]) -> Any:
        return library.tokenize(list(texts), stopwords="en", stemmer=stemmer, show_progress=False)

    model = library.BM25()
    model.index(tokens([_whole(documents[name]) for name in names]), show_progress=False)
    found, scores = model.retrieve(tokens(list(queries.values())), k=min(DEEP, len(names)), show_progress=False)
    return {
        query: tuple((names[row], float(score)) for row, score in zip(rows, points, strict=True) if score > 0)
        for query, rows, points in zip(queries, found, scores, strict=True)
    }


def versions() -> dict[str, str]:
    """Which releases were compared with."""
    names = ("langchain-core", "langchain-text-splitters", "llama-index-core", "bm25s", "PyStemmer")
    return {name: importlib.metadata.version(name) for name in names}


def _whole(document: tuple[str, str]) -> str:
    title, text = document
    return f"{title}\n\n{text}" if title else text


def _exact(
    owners: Sequence[str],
    texts: Sequence[str],
    queries: dict[str, str],
    encoder: Encoder,
    own: Callable[[str], list[tuple[str, float]]],
) -> Run:
    """Documents by their best piece; raises AssertionError where the tool itself finds other pieces for the first queries."""
    vectors, asked = encoder.encode(texts), encoder.encode(list(queries.values()))
    run = {}
    for number, (query, text) in enumerate(queries.items()):
        scores = vectors @ asked[number]
        order = np.argsort(-scores, kind="stable")
        if number < CHECKED:
            best = [float(score) for _, score in own(text)]
            if not np.allclose(best, scores[order][: len(best)], atol=1e-4):
                raise AssertionError(f"{query}: {best} there, {scores[order][: len(best)]} here")
        ranking: dict[str, float] = {}
        for row in order:
            ranking.setdefault(owners[row], float(scores[row]))
            if len(ranking) == DEEP:
                break
        run[query] = tuple(ranking.items())
    return run
