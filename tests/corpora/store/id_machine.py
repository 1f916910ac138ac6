"""Promise R5 as a state machine: a store over add, update, delete and reopen, against a dict. Short and long form share it."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions, chunk_document
from corpora.ingest.documents import make_document
from corpora.records import Block, Reading
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever

WORDS = ("lease", "tenant", "deposit", "notice", "warfarin", "sepsis", "lactate", "dose", "appeal", "hearsay", "waiver", "rent")
PATHS = tuple(f"{number}.txt" for number in range(6))
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(lambda words: f"The {' '.join(words)} ends.")
# Few enough texts that two paths often hold the same one, and that a text comes back after it went.
TEXTS = st.lists(SENTENCES, min_size=1, max_size=3) | st.sampled_from(
    [["The lease ends."], ["The lease ends.", "The dose ends."], ["The waiver rent appeal ends."]]
)


def machine_settings(examples: int, steps: int) -> settings:
    """Without shrinking: it would take minutes of disk work, and the first failing sequence is short enough to read."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


class IdMachine(RuleBasedStateMachine):
    """Ids, texts and search results always belong to what the dict holds."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ids-"))
        self.workspace = self.folder / "workspace"
        self.live: dict[str, list[str]] = {}  # path → its paragraphs: the model
        self.ever: dict[str, str] = {}  # chunk id → the text that it meant when first seen
        self.chunk_words = 6
        self.encoder = HashingEncoder()

    @initialize()
    def open(self) -> None:
        self.store = CorpusStore(self.workspace / "corpus.db")
        self.retriever = Retriever(self.store, self.workspace, self.encoder)

    def _add(self, *names: str) -> None:
        files = [self.folder / name for name in names]
        report = add_files(
            self.store, self.workspace, self.encoder, files, "default", ChunkOptions(self.chunk_words), reader=read_in_process
        )
        assert not report.failed
        assert report.added + report.unchanged == len(files)

    def _write(self, name: str, text: list[str]) -> None:
        path = self.folder / name
        path.write_text("\n\n".join(text) + "\n")
        self.live[str(path)] = text

    @rule(name=st.sampled_from(PATHS), text=TEXTS)
    def add_or_update(self, name: str, text: list[str]) -> None:
        self._write(name, text)
        self._add(name)

    @rule(texts=st.dictionaries(st.sampled_from(PATHS), TEXTS, min_size=1, max_size=4))
    def add_several(self, texts: dict[str, list[str]]) -> None:
        for name, text in texts.items():
            self._write(name, text)
        self._add(*texts)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.live)))
        before = self.store.snapshot
        assert self.store.commit(removed_paths=[(path, "default")]) == before + 1
        del self.live[path]

    @precondition(lambda self: self.live)
    @rule(chunk_words=st.sampled_from([3, 6, 12]))
    def cut_differently(self, chunk_words: int) -> None:
        self.chunk_words = chunk_words
        self._add(*(Path(path).name for path in self.live))

    @rule(lose_cache=st.booleans())
    def reopen(self, lose_cache: bool) -> None:
        self.store.close()
        if lose_cache:
            shutil.rmtree(self.workspace / "cache", ignore_errors=True)
        self.open()

    @invariant()
    def the_store_is_the_model(self) -> None:
        type(self).steps += 1
        texts = {"\n\n".join(text) for text in self.live.values()}
        documents = {document.id: document for document in self.store.documents()}
        assert {document.text for document in documents.values()} == texts
        assert len(documents) == len(texts)
        for document in documents.values():
            assert document.text == "\n\n".join(self.live.get(document.source, [])), "the source holds another text"
        chunks = self.store.chunks()
        assert {chunk.document_id for chunk in chunks} == set(documents)
        for document in documents.values():
            words = " ".join(chunk.text for chunk in chunks if chunk.document_id == document.id).split()
            assert words == document.text.split()
        for chunk in chunks:
            assert documents[chunk.document_id].text[chunk.start : chunk.end] == chunk.text
            assert self.ever.setdefault(chunk.id, chunk.text) == chunk.text, "an id changed its meaning"

    @invariant()
    def search_is_right(self) -> None:
        chunks = {chunk.id: chunk for chunk in self.store.chunks()}
        vectors = self.encoder.encode([embedding_text(chunk) for chunk in chunks.values()])
        for word in WORDS[:4]:
            lexical = self.retriever.search([word], 1000, "lexical")[0]
            expected = {chunk.id for chunk in chunks.values() if word in chunk.text.split() or word in chunk.text.split(".")}
            assert {hit.chunk.id for hit in lexical.hits} == expected
            dense = self.retriever.search([word], 5, "dense")[0]
            query = self.encoder.encode([word])[0]
            exact = dict(zip(chunks, map(float, vectors @ query), strict=True))
            assert len(dense.hits) == min(5, len(chunks))
            floor = sorted(exact.values(), reverse=True)[len(dense.hits) - 1] if exact else 0.0
            for hit in (*lexical.hits, *dense.hits):
                assert hit.chunk == chunks[hit.chunk.id]
            for hit in dense.hits:
                assert abs(hit.score - exact[hit.chunk.id]) < 1e-5
                assert hit.score > floor - 1e-5

    @invariant()
    def chunks_are_as_cut_from_the_text(self) -> None:
        for path, (_, chunking) in self.store.source_digests("default").items():
            blocks = [Block("paragraph", text) for text in self.live[path]]
            words = int(chunking.split("-")[1])
            document = make_document("default", Reading("", blocks), path)
            expected = {chunk.id: chunk.text for chunk in chunk_document(document, blocks, ChunkOptions(words))}
            assert {chunk.id: chunk.text for chunk in self.store.chunks(document.id)} == expected

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        shutil.rmtree(self.folder)
