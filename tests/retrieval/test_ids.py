"""Promise R5, short form: ids never drift. The machine is in id_machine.py, the long form is tests/soak/soak_ids.py."""

from pathlib import Path

from id_machine import IdMachine, machine_settings

from corpora.chunking import ChunkOptions
from corpora.store import CorpusStore
from retrieval.encoders import HashingEncoder
from retrieval.indexing import add_files
from retrieval.search import Retriever

IdMachine.TestCase.settings = machine_settings(examples=10, steps=25)
TestIds = IdMachine.TestCase


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
