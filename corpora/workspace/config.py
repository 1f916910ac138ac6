"""`raftsmith.toml`: every choice with its documented default. An unknown key is an error with a suggestion."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from corpora.chunking.chunker import REFERENCE_SECTIONS, ChunkOptions
from corpora.errors import WorkspaceError
from corpora.text.cleaning import STEP_NAMES


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelsConfig(_Section):
    """Which models are used: a packaged model, a folder, or a hub id."""

    base: str = Field(default="SmolLM2-135M-Instruct", description="The model that answers and is tuned.")
    encoder: str = Field(default="all-MiniLM-L6-v2", description="The sentence-transformers model that makes vectors.")


class ChunksConfig(_Section):
    """How documents are cut. After a change, `raftsmith add` re-indexes what it is given."""

    max_words: int = Field(
        default=20,
        ge=5,
        le=2000,
        description="Words a chunk at most, never more than the encoder reads: 20 (a sentence) for the packaged model, 150-300 for 7B.",
    )
    max_tokens: int = Field(
        default=0, ge=0, le=8192, description="Tokens of the encoder a chunk at most; 0 counts words instead."
    )
    overlap_sentences: int = Field(default=0, ge=0, le=20, description="Sentences of a chunk that the next one repeats.")
    skip_sections: tuple[str, ...] = Field(
        default=REFERENCE_SECTIONS,
        description="Sections under these headings are kept in the document but neither found nor quoted.",
    )

    @property
    def options(self) -> ChunkOptions:
        """These choices as the chunker takes them."""
        return ChunkOptions(self.max_words, self.skip_sections, self.max_tokens, self.overlap_sentences)


class IngestConfig(_Section):
    """How files are read. After a change, `raftsmith add` reads again what it is given."""

    skip_steps: tuple[str, ...] = Field(
        default=(),
        description="Cleaning steps left out: running-lines, boilerplate, hyphenation, encoding, control-characters.",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Processes that read files, each with at most 1 GiB of memory.")
    timeout_s: float = Field(default=120.0, gt=0, description="Seconds that reading one file may take.")

    ocr_languages: str = Field(
        default="eng",
        pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$",
        description="Languages of scanned pages, by tesseract's names: eng, or eng+deu.",
    )

    cluster_similarity: float = Field(
        default=0.72,
        gt=0,
        le=1,
        description="Documents at least so alike (character 6-grams) share a split, so that none leaks.",
    )
    skip_similarity: float = Field(
        default=0.9999, gt=0, le=1, description="A document at least so like an indexed one is listed and not indexed again."
    )
    keep_versions: int = Field(
        default=5, ge=0, le=1000, description="Old texts kept of each source, until purge; 0 keeps none."
    )
    personal_data: Literal["keep", "mask", "refuse"] = Field(
        default="keep", description="What becomes of personal data: keep, mask (consistent pseudonyms), or refuse the document."
    )
    personal_data_of: dict[str, Literal["keep", "mask", "refuse"]] = Field(
        default={}, description='Where a collection differs: { legal = "mask" }.'
    )

    @field_validator("skip_steps")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in STEP_NAMES:
                raise ValueError(f"{name!r} is no cleaning step; accepted: {', '.join(STEP_NAMES)}")
        return names


class SearchConfig(_Section):
    """How search puts its two rankings together."""

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


class GenerateConfig(_Section):
    """How RAFT examples are made."""

    distractors: int = Field(default=4, ge=1, le=20, description="Distractor documents a prompt.")
    oracle_fraction: float = Field(
        default=0.8, ge=0, le=1, description="P of the paper: share of questions whose oracle is in the prompt."
    )
    random_fraction: float = Field(
        default=0.1, ge=0, le=1, description="Share of distractors drawn at random, the others are mined."
    )
    questions_per_context: int = Field(
        default=4, ge=1, le=16, description="Questions over the same documents; training shares them."
    )
    validation_fraction: float = Field(default=0.1, ge=0, lt=1, description="Share of documents for validation.")
    test_fraction: float = Field(default=0.2, ge=0, lt=1, description="Share of documents held out for evaluation.")
    seed: int = Field(default=0, ge=0, description="Every draw is seeded from this and the item's id.")


class TrainConfig(_Section):
    """How a model is tuned."""

    adapter: str = Field(
        default="qlora", pattern="^(qlora|lora|none)$", description="qlora (4-bit base), lora, or none (all weights)."
    )
    rank: int = Field(default=16, ge=1, le=1024, description="Rank of the adapter.")
    alpha: int = Field(default=32, ge=1, description="Scaling of the adapter.")
    layers_fraction: float = Field(default=0.667, gt=0, le=1, description="Share of the upper layers that get an adapter.")
    learning_rate: float = Field(
        default=1e-3, gt=0, lt=1, description="Peak learning rate; 1e-4 to 3e-4 for models of 1B and up."
    )
    epochs: float = Field(default=1.0, gt=0, le=100, description="Passes over the training examples.")
    batch_examples: int = Field(default=6, ge=1, description="Examples (questions) an optimizer step.")
    max_tokens: int = Field(
        default=1536, ge=64, description="Tokens a training row at most; longer examples are an error, never cut."
    )
    evaluations: int = Field(default=3, ge=1, description="How often the validation loss is taken.")
    patience: int = Field(default=2, ge=1, description="Validations without a better loss before training stops.")
    seed: int = Field(default=0, ge=0, description="Seed of initialisation and order.")


class AskConfig(_Section):
    """How questions are answered."""

    passages: int = Field(default=5, ge=1, le=50, description="Retrieved chunks in a prompt; keep it distractors + 1.")
    max_tokens: int = Field(default=96, ge=8, le=4096, description="Tokens an answer at most.")
    min_support: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A tuned run abstains when the chance that search found the evidence is below this; 0 never does.",
    )


class ServeConfig(_Section):
    """What the API answers with, and where it listens."""

    run: str = Field(
        default="",
        description='A tuned run, "" is the base model; a running server changes to it by `raftsmith swap`.',
    )
    host: str = Field(
        default="127.0.0.1", description="Address; only loopback addresses are accepted, as there are no keys yet."
    )
    port: int = Field(default=8321, ge=0, le=65535, description="Port; 0 takes a free one.")


class Config(_Section):
    """All of `raftsmith.toml`."""

    models: ModelsConfig = ModelsConfig()
    chunks: ChunksConfig = ChunksConfig()
    ingest: IngestConfig = IngestConfig()
    search: SearchConfig = SearchConfig()
    generate: GenerateConfig = GenerateConfig()
    train: TrainConfig = TrainConfig()
    ask: AskConfig = AskConfig()
    serve: ServeConfig = ServeConfig()


def read_config(path: Path) -> Config:
    """The configuration in `path`. Raises WorkspaceError for wrong TOML, unknown keys (with a suggestion) and wrong values."""
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WorkspaceError(f"{path} is not readable TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            close = difflib.get_close_matches(place, _keys(), n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}?" if close else f"accepted: {', '.join(_keys())}"
            raise WorkspaceError(f"{path}: unknown key {place}; {hint}") from error
        raise WorkspaceError(f"{path}: {place} is {first['input']!r}: {first['msg']}") from error


def _keys() -> list[str]:
    sections = Config.model_fields
    return [*sections, *(f"{name}.{key}" for name, field in sections.items() for key in field.default.__class__.model_fields)]


def default_toml() -> str:
    """The commented configuration that `init` writes; every line is a default."""
    lines = ["# raftsmith workspace. Every value here is the default; change what you need.", ""]
    for name, field in Config.model_fields.items():
        section = field.default
        lines += [f"# {(section.__doc__ or '').strip()}", f"[{name}]"]
        for key, item in type(section).model_fields.items():
            value = getattr(section, key)
            shown = json.dumps(value)
            lines.append(f"{key} = {shown}  # {item.description}")
        lines.append("")
    return "\n".join(lines)
