"""Documents that stand in two splits: themselves, or as near-duplicates.

Knows no files and no examples but what their prompts show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from corpora.records import Document
from retrieval.inspection.material import Prompts
from retrieval.inspection.records import DatasetLeaks, DuplicateGroup, listed


def leaks_of(
    prompt_documents: Iterable[tuple[str, Sequence[str]]], cluster_of: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Ids of documents that prompts of two splits show, and of those of which only a near-duplicate is in another
    split.

    `prompt_documents` are `(split, document ids)` of the prompts. A document without a cluster (it is gone) is one of
    its own.
    """
    splits: dict[str, set[str]] = defaultdict(set)
    clusters: dict[str, set[str]] = defaultdict(set)
    for split, ids in prompt_documents:
        for id in ids:
            splits[id].add(split)
            clusters[cluster_of.get(id, id)].add(split)
    same = sorted(id for id, document_splits in splits.items() if len(document_splits) > 1)
    near = sorted(
        id for id, document_splits in splits.items() if len(document_splits) == 1 and len(clusters[cluster_of.get(id, id)]) > 1
    )
    return same, near


def dataset_leaks(prompts: Prompts, cluster_of: Mapping[str, str]) -> DatasetLeaks:
    """The documents of one dataset that stand in two splits; see `leaks_of`."""
    same, near = leaks_of(prompts.documents, cluster_of)
    return DatasetLeaks(prompts.dataset, len(prompts.documents), tuple(same), tuple(near), prompts.problem)


def duplicate_groups(
    documents: Mapping[str, Document], clusters: Mapping[str, str], splits: Mapping[str, str]
) -> tuple[DuplicateGroup, ...]:
    """The clusters of two or more near-duplicates, ordered by cluster, members by id."""
    members: dict[str, list[str]] = defaultdict(list)
    for id in sorted(clusters):
        members[clusters[id]].append(id)
    return tuple(
        DuplicateGroup(tuple(listed(documents[id], splits[id]) for id in ids), tuple(sorted({splits[id] for id in ids})))
        for _, ids in sorted(members.items())
        if len(ids) > 1
    )
