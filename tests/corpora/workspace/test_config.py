"""`raftsmith.toml` is read section by section; what is wrong in it is named, with what is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import WorkspaceError
from corpora.splits import SplitOptions
from corpora.workspace.config import Config, described, read_config
from corpora.workspace.workspace import open_workspace
from raft.examples.options import ExampleOptions
from retrieval.model_options import ModelOptions
from retrieval.search.options import SearchOptions
from serving.configuration import SECTIONS


def written(folder: Path, text: str) -> Config:
    path = folder / "raftsmith.toml"
    path.write_text(text)
    return read_config(path)


def test_what_is_not_set_keeps_its_default(tmp_path: Path) -> None:
    config = written(tmp_path, "[search]\ndense_weight = 0.3\n")
    assert config.options(SearchOptions) == SearchOptions(dense_weight=0.3)
    assert config.options(ChunkOptions) == ChunkOptions() == Config().options(ChunkOptions)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[search]\ndense_wieght = 0.3\n", "unknown key search.dense_wieght; did you mean search.dense_weight?"),
        ("[serach]\n", "unknown key serach; did you mean search?"),
        ("[zzz]\n", "unknown key zzz; accepted: models, "),
        ("[search]\ndense_weight = 2\n", "search.dense_weight is 2: Input should be less than or equal to 1"),
        ('[ingest]\nskip_steps = ["boilerplait"]\n', "'boilerplait' is no cleaning step; accepted: "),
        ('[train]\nadapter = "dora"\n', "train.adapter is 'dora'"),
        ("[generate]\nvalidation_fraction = 0.5\ntest_fraction = 0.6\n", "must leave something to train on"),
        ("[models.encoder]\nname = 3\n", "models.encoder"),
        ("dense_weight = 0.3\n", "dense_weight stands outside of a table"),
        ("[search\n", "is not readable TOML"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_accepted(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"raftsmith\.toml") as error:
        written(tmp_path, text).check(SECTIONS)
    assert message in str(error.value)


def test_a_section_is_checked_by_who_reads_it(tmp_path: Path) -> None:
    """A user of one package alone does not know the sections of the others, and still gets no misspelt key of its own."""
    config = written(tmp_path, '[future]\nx = 1\n[search]\nfusoin = "convex"\n')
    assert config.options(ModelOptions) == ModelOptions()
    with pytest.raises(WorkspaceError, match=r"did you mean search\.fusion"):
        config.options(SearchOptions)


def test_what_is_given_goes_over_the_file_and_is_checked_like_it(tmp_path: Path) -> None:
    config = written(tmp_path, "[search]\nrerank_depth = 30\ndense_weight = 0.3\n")
    assert config.options(SearchOptions, rerank_depth=5) == SearchOptions(rerank_depth=5, dense_weight=0.3)
    with pytest.raises(WorkspaceError, match=r"search\.rerank_depth is 1: Input should be greater"):
        config.options(SearchOptions, rerank_depth=1)


def test_a_part_of_a_section_leaves_the_rest_to_the_whole(tmp_path: Path) -> None:
    config = written(tmp_path, "[generate]\ntest_fraction = 0.3\ndistractors = 2\n")
    assert config.options(SplitOptions).test_fraction == config.options(ExampleOptions).test_fraction == 0.3
    assert config.options(ExampleOptions).distractors == 2


def test_a_model_of_a_run_is_found_wherever_the_workspace_lies(tmp_path: Path) -> None:
    (tmp_path / "runs" / "tuned" / "model").mkdir(parents=True)
    written(tmp_path, '[models]\nencoder = "runs/tuned/model"\nbase = "runs/gone/model"\n')
    models = open_workspace(tmp_path).options(ModelOptions)
    assert models.encoder == str(tmp_path / "runs" / "tuned" / "model") and models.base == "runs/gone/model"


def test_every_key_that_people_set_is_described_once() -> None:
    keys = [f"{section.SECTION}.{key}" for section in SECTIONS for key, _ in described(section)]
    assert len(keys) == len(set(keys)) and "train.layers_fraction" in keys and "train.share_prefix" not in keys
