"""The section [ingest]: how files are read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from corpora.text.cleaning import STEP_NAMES


@dataclass(frozen=True, config={"extra": "forbid"})
class IngestOptions:
    """How files are read. After a change, `raftsmith add` reads again what it is given."""

    SECTION: ClassVar[str] = "ingest"
    PARTIAL: ClassVar[bool] = False

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
