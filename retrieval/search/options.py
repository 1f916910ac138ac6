"""The options of the section [search]: how rankings are fused, reranked and shown."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from corpora.workspace.workspace import Workspace
from retrieval.model_options import ModelOptions


@dataclass(frozen=True, config={"extra": "forbid"})
class SearchOptions:
    """How search puts its two rankings together."""

    SECTION: ClassVar[str] = "search"
    PARTIAL: ClassVar[bool] = False

    fusion: Literal["convex", "reciprocal-rank"] = Field(
        default="convex", description="convex (weighted sum of scores) or reciprocal-rank (places only)."
    )
    dense_weight: float = Field(
        default=0.6, ge=0, le=1, description="Weight of meaning against words, 0 to 1, in convex fusion."
    )
    rank_constant: int = Field(default=60, ge=1, le=10_000, description="Constant of reciprocal-rank fusion.")
    rerank: str = Field(
        default="",
        description='What orders the first hits anew: "", "late-interaction", or a cross-encoder (a folder or a hub id).',
    )
    rerank_depth: int = Field(default=20, ge=2, le=1000, description="Hits that are reranked.")
    rerank_weight: float = Field(default=1.0, ge=0, le=1, description="Weight of the reranker against search, 0 to 1.")
    max_per_source: int = Field(default=0, ge=0, le=1000, description="Hits of one source at most; 0 is any number.")
    merge_similarity: float = Field(
        default=0.0, ge=0, le=1, description="Passages at least so alike (character 6-grams) are shown once; 0 shows all."
    )
    target_recall: float = Field(
        default=0.98,
        gt=0,
        le=1,
        description="Share of the ten nearest vectors that an approximate index finds, measured when it is built; 1 is exact.",
    )
    index_memory_gb: float = Field(
        default=0.0, ge=0, description="Memory that the index of vectors may take; 0 is half of the machine's."
    )
    join_neighbours: bool = Field(
        default=False,
        description="Hits that follow each other in a document become one passage where people read them; prompts keep chunks.",
    )


def tuned_here(workspace: Workspace) -> bool:
    """Whether the encoder or the reranker was tuned to this collection: then search has learnt the answers to the
    training queries.
    """
    models = (workspace.options(ModelOptions).encoder, workspace.options(SearchOptions).rerank)
    return any(name and (workspace.root / name).parent.joinpath("trained.json").exists() for name in models)
