"""Documents in: reading, cleaning, chunking, splitting, and the corpus store. Imports nothing from the other packages.

The names below are for Python users, see docs/python.md; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from corpora.errors import RaftsmithError as RaftsmithError
    from corpora.questions import read_questions as read_questions
    from corpora.records import Chunk as Chunk
    from corpora.records import Document as Document
    from corpora.records import Question as Question
    from corpora.store.corpus_store import CorpusStore as CorpusStore
    from corpora.store.filters import Filter as Filter
    from corpora.store.filters import make_filter as make_filter
    from corpora.workspace.run_folder import finished_runs as finished_runs
    from corpora.workspace.workspace import Workspace as Workspace
    from corpora.workspace.workspace import create_workspace as create_workspace
    from corpora.workspace.workspace import open_workspace as open_workspace

__getattr__ = lazy_exports(
    __name__,
    {
        "RaftsmithError": "errors",
        "Workspace": "workspace.workspace",
        "create_workspace": "workspace.workspace",
        "open_workspace": "workspace.workspace",
        "finished_runs": "workspace.run_folder",
        "CorpusStore": "store.corpus_store",
        "Filter": "store.filters",
        "make_filter": "store.filters",
        "Document": "records",
        "Chunk": "records",
        "Question": "records",
        "read_questions": "questions",
    },
)
