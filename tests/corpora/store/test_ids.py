"""Promise R5, short form: ids never drift. The machine is in id_machine.py, the long form is tests/soak/soak_ids.py."""

from pathlib import Path

from id_machine import IdMachine, machine_settings

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever

IdMachine.TestCase.settings = machine_settings(examples=10, steps=25)
TestIds = IdMachine.TestCase


def test_vectors_follow_the_title_of_a_shared_text(tmp_path: Path) -> None:
    """Three files with one text, cut anew: the title may change hands, and a vector made for another title may not be kept."""
    store, encoder = CorpusStore(tmp_path / "w" / "corpus.db"), HashingEncoder()
    files = [tmp_path / f"{name}.txt" for name in ("b", "a", "c")]
    for path in files:
        path.write_text("The lease ends. The rent is due.")
    for order, words in ((files, 10), (files[1:], 3), (files[::-1], 10), (files, 3)):
        add_files(store, tmp_path / "w", encoder, order, "default", ChunkOptions(words))
        chunks = {chunk.id: chunk for chunk in store.chunks()}
        hits = Retriever(store, tmp_path / "w", encoder).search(["lease"], 9, "dense")[0].hits
        assert len(hits) == len(chunks)
        for hit in hits:
            exact = float((encoder.encode([embedding_text(chunks[hit.chunk.id])]) @ encoder.encode(["lease"]).T)[0, 0])
            assert abs(hit.score - exact) < 1e-5
    store.close()


def test_a_shared_text_is_cited_from_a_file_that_still_has_it(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    store, encoder = CorpusStore(tmp_path / "w" / "corpus.db"), HashingEncoder()
    first.write_text("The lease ends.")
    second.write_text("The lease ends.")
    add_files(store, tmp_path / "w", encoder, [first, second], "default", ChunkOptions(10))
    first.write_text("Something else.")
    add_files(store, tmp_path / "w", encoder, [first, second], "default", ChunkOptions(10))
    retriever = Retriever(store, tmp_path / "w", encoder)
    assert [hit.chunk.source for hit in retriever.search(["lease"], 5, "lexical")[0].hits] == [str(second)]
    store.commit(removed_paths=[(str(second), "default")])
    assert retriever.search(["lease"], 5, "lexical")[0].hits == ()
    store.close()
