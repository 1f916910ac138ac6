"""The command `import-faiss`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options


@click.command("import-faiss", **with_example("raftsmith import-faiss old/index.faiss --texts old/texts.jsonl"))
@click.argument("index", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--texts",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="JSON lines in the order of the index: text, id, title, metadata.",
)
@click.option("--encoder", help="The model that made the vectors; it must be models.encoder, which is the default.")
@click.option("--sha256", help="The index's digest; another file is not opened.")
@click.option("--collection", default="default", show_default=True, help="Collection that the documents belong to.")
@workspace_options
def import_faiss(
    index: Path, texts: Path, encoder: str | None, sha256: str | None, collection: str, workspace: Path | None, as_json: bool
) -> None:
    """Take over a FAISS index with its texts, without encoding them again.

    The vectors are read in a process of their own, and checked against the encoder on a sample of the texts: vectors of another
    model, or texts in another order, are refused. Pickled docstores are never opened.
    """
    from corpora.errors import StoreError
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.writer_lock import single_writer
    from corpora.workspace.workspace import plain_name
    from retrieval.chunk_vectors.dense_index import refreshed_index
    from retrieval.encoders.loading import load_encoder
    from retrieval.indexing.faiss_import import import_rows
    from retrieval.indexing.faiss_reading import read_faiss
    from retrieval.model_options import ModelOptions
    from retrieval.search.options import SearchOptions
    from retrieval.search.pipelines import index_options_of

    place = opened(workspace)
    configured = place.options(ModelOptions).encoder
    if encoder is not None and encoder != configured:
        raise StoreError(
            f"the workspace searches with {configured}, the vectors are of {encoder}; set models.encoder in raftsmith.toml "
            "to it, in a workspace of its own when this one holds other documents"
        )
    say(f"reading {index}")
    vectors = read_faiss(index, sha256)
    with single_writer(place.root):
        store, of = CorpusStore(place.database), load_encoder(configured, say)
        report = import_rows(store, place.root, of, texts, vectors, plain_name(collection), Progress("texts"))
        refreshed_index(store, place.root, of.name, of.dimension, index_options_of(place.options(SearchOptions)), say)
        store.close()
    kept = "exact" if report.exact else "as FAISS decodes them: it kept them compressed"
    lines = [
        f"{report.documents} documents imported (snapshot {report.snapshot})",
        f"{report.kind}, vectors {kept}; mean cosine with {configured} on a sample: {report.cosine:.3f}",
        *[f"{count} left out: {reason}" for reason, count in sorted(report.left_out.items())],
    ]
    emit(asdict(report), as_json, "\n".join(lines))
