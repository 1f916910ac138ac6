"""Where the evidence of a question stands: which documents a name means, and which characters of them a text takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from corpora.records import Chunk, Evidence
from corpora.store.corpus_store import CorpusStore
from corpora.text.quote_location import locate


@dataclass
class DocumentNames:
    """Every name a judgement may call a document by → ids of the documents called so.

    `labels`: document id → what a run file calls it: the parts of the files it came from, else the files' names.
    """

    ids: dict[str, set[str]] = field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> set[str]:
        """Ids of the documents called `name`; empty for a stranger."""
        return self.ids.get(name, set())


def document_names(store: CorpusStore) -> DocumentNames:
    """Names of all documents: id, sources, the part of a file of several, the file with and without its ending, the title.

    A title or file name that several documents share names none of them; an id, source or part always names its own.
    """
    names = DocumentNames()
    loose: dict[str, set[str]] = {}
    for document in store.documents():
        sources = store.sources(document.id)
        names.labels[document.id] = tuple(dict.fromkeys(_label(source) for source in sources))
        for source in sources:
            part = source.partition("#")[2]
            for name in (document.id, source, part):
                if name:
                    names.ids.setdefault(name, set()).add(document.id)
            path = PurePath(source.partition("#")[0])
            for name in () if part else (path.name, path.stem):
                loose.setdefault(name, set()).add(document.id)
        loose.setdefault(document.title, set()).add(document.id)
    for name, ids in loose.items():
        if name and len(ids) == 1:
            names.ids.setdefault(name, ids)
    return names


def _label(source: str) -> str:
    return source.partition("#")[2] or PurePath(source).name


def standing(
    evidence: Evidence, names: DocumentNames, texts: Mapping[str, str], chunks: Mapping[str, Sequence[Chunk]]
) -> list[tuple[str, int, int]]:
    """`(document, start, end)`: in the documents that the evidence names, else in the first that holds it."""
    named = [
        (identity, place) for identity in sorted(names.of(evidence.document)) if (place := _place(evidence, identity, texts))
    ]
    indexed = [(identity, *place) for identity, place in named if identity in chunks]
    if indexed:
        return indexed
    for identity in texts:
        place = _place(evidence, identity, texts) if identity in chunks else None
        if place:
            return [(identity, *place)]
    return []


def _place(evidence: Evidence, document_id: str, texts: Mapping[str, str]) -> tuple[int, int] | None:
    return locate(evidence.text, texts[document_id])
