"""A stored index comes back as it was, or not at all (promise S7)."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile_index_trial import IDENTITY
from test_vector_index import KINDS, built, clustered

import retrieval.vector_index.index_files as index_files
from corpora.durable_files import set_probe
from corpora.errors import CorruptStore
from retrieval.vector_index.index_files import INDEX, KEYS, MANIFEST, VECTORS, IndexFolder
from retrieval.vector_index.inner_products import Matrix
from retrieval.vector_index.search_effort import SearchEffort
from retrieval.vector_index.vector_index import VectorIndex

TRIAL = Path(__file__).with_name("hostile_index_trial.py")
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("kind", ("exact", *KINDS))
def test_an_index_comes_back_as_it_was(kind: str, tmp_path: Path) -> None:
    vectors, queries = clustered(5_000), clustered(30, seed=1)
    main = built(kind, vectors, np.arange(5_000) * 2 + 7)
    folder = IndexFolder(tmp_path / "index")
    folder.save(main, "these")
    back = IndexFolder(tmp_path / "index").load("these", 32)
    assert back.plan == main.plan and back.measured == main.measured
    for one, other in zip(VectorIndex.of(back).search(queries, 10), VectorIndex.of(main).search(queries, 10), strict=True):
        assert np.array_equal(one, other)
    manifest = json.loads((tmp_path / "index" / MANIFEST).read_text())
    assert manifest["measured"]["recall"] == main.measured.recall and manifest["measured"]["faiss"]
    assert {name: entry["bytes"] for name, entry in manifest["files"].items()} == {
        path.name: path.stat().st_size for path in (tmp_path / "index").iterdir() if path.name != MANIFEST
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "index").iterdir())


def test_an_empty_index_comes_back(tmp_path: Path) -> None:
    IndexFolder(tmp_path).save(built("exact", np.empty((0, 8), dtype=np.float32)), "nothing")
    keys, _ = VectorIndex.of(IndexFolder(tmp_path).load("nothing", 8)).search(np.ones((1, 8), dtype=np.float32), 3)
    assert keys.tolist() == [[-1, -1, -1]]


def test_vectors_stream_into_the_folder_and_are_mapped(tmp_path: Path) -> None:
    """64 blocks of 4 MB are written with no more than a few of them in memory."""
    code = (
        "import resource, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from retrieval.vector_index.index_files import IndexFolder\n"
        "own = lambda: int(next(l for l in open('/proc/self/status') if l.startswith('RssAnon')).split()[1])\n"
        "before, peak = own(), [0]\n"
        "def blocks():\n"
        "    for number in range(64):\n"
        "        peak[0] = max(peak[0], own() - before)\n"
        "        yield np.full((8_192, 128), number, dtype=np.float32)\n"
        "vectors = IndexFolder(Path(sys.argv[1])).keep((64 * 8_192, 128), blocks())\n"
        "assert vectors[-1, 0] == 63 and not vectors.flags.writeable\n"
        "print(peak[0])\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(run.stdout) < 40_000


def test_a_compaction_into_a_folder_is_what_is_loaded(tmp_path: Path) -> None:
    vectors, queries = clustered(5_000), clustered(30, seed=1)
    index = VectorIndex.of(built("ivf-pq", vectors[:4_500])).added(np.arange(4_500, 5_000), vectors[4_500:])
    folder = IndexFolder(tmp_path)
    main = index.compacted_main(1 << 30, folder.keep)
    folder.save(main, "compacted")
    back = VectorIndex.of(IndexFolder(tmp_path).load("compacted", 32))
    for one, other in zip(back.search(queries, 10), index.rebase(main).search(queries, 10), strict=True):
        assert np.array_equal(one, other)


def rewritten(path: Path, effort: dict[str, int], **plan: object) -> None:
    """The manifest in `path` with another effort, and a plan that says more or other things."""
    manifest = json.loads((path / MANIFEST).read_text())
    manifest["measured"]["effort"] = effort
    manifest["plan"] |= plan
    (path / MANIFEST).write_text(json.dumps(manifest))


def test_the_manifest_of_an_earlier_version_opens(tmp_path: Path) -> None:
    """It calls the effort breadth and depth, as is written today too, and its plan has what graphs were made with."""
    main = built("ivf-pq", clustered(2_000))
    IndexFolder(tmp_path).save(main, "these")
    effort = main.measured.effort
    written = json.loads((tmp_path / MANIFEST).read_text())["measured"]["effort"]
    assert written == {"breadth": effort.probes, "depth": effort.rescored}
    rewritten(tmp_path, {"breadth": 17, "depth": 60}, links=0, construction=0)
    assert IndexFolder(tmp_path).load("these", 32).measured.effort == SearchEffort(probes=17, rescored=60)


def test_a_graph_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    IndexFolder(tmp_path).save(built("ivf-pq", clustered(2_000)), "these")
    rewritten(tmp_path, {"breadth": 40, "depth": 40}, kind="hnsw", links=32, construction=100, lists=0)
    with pytest.raises(CorruptStore, match="will be built again"):
        IndexFolder(tmp_path).load("these", 32)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    main = built("ivf-sq8", clustered(2_000))
    IndexFolder(tmp_path).save(main, "these")
    with pytest.raises(CorruptStore, match=r"holds 'these', 32 dimensions, not 'those', 32"):
        IndexFolder(tmp_path).load("those", 32)
    with pytest.raises(CorruptStore, match="64"):
        IndexFolder(tmp_path).load("these", 64)
    with pytest.raises(CorruptStore, match=MANIFEST):
        IndexFolder(tmp_path / "absent").load("these", 32)
    other = built("ivf-pq", clustered(2_000))
    IndexFolder(tmp_path / "other").save(other, "these")
    (tmp_path / INDEX).write_bytes((tmp_path / "other" / INDEX).read_bytes())
    with pytest.raises(CorruptStore, match=r"index.faiss"):
        IndexFolder(tmp_path).load("these", 32)
    with pytest.raises(ValueError, match="not 3 rows"):
        IndexFolder(tmp_path).keep((3, 4), iter([np.zeros((2, 4), dtype=np.float32)]))


@pytest.mark.parametrize("fail_at", range(1, 14))
def test_a_write_that_fails_leaves_no_index_that_loads(fail_at: int, tmp_path: Path) -> None:
    first, second = built("exact", clustered(100)), built("exact", clustered(200, seed=1))
    IndexFolder(tmp_path).save(first, "first")
    seen = 0

    def probe(operation: str) -> None:
        nonlocal seen
        seen += 1
        if seen == fail_at:
            raise OSError(28, f"no space left while {operation}")

    set_probe(probe)
    try:
        if fail_at <= 12:
            with pytest.raises(OSError, match="no space left"):
                IndexFolder(tmp_path).save(second, "second")
        else:
            IndexFolder(tmp_path).save(second, "second")
    finally:
        set_probe(None)
    for identity, main in (("first", first), ("second", second)):
        try:
            loaded = IndexFolder(tmp_path).load(identity, 32)
        except CorruptStore:
            continue
        assert np.array_equal(loaded.vectors, main.vectors)
    assert not list(tmp_path.glob("*.tmp"))


def test_faiss_reads_within_the_size_of_the_file_and_limits_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    IndexFolder(tmp_path).save(built("ivf-sq8", clustered(500)), "these")
    faiss = index_files.faiss
    before = faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()
    seen = []
    read = faiss.read_index
    monkeypatch.setattr(
        faiss, "read_index", lambda *given: (seen.append(faiss.get_deserialization_vector_byte_limit()), read(*given))[1]
    )
    IndexFolder(tmp_path).load("these", 32)
    assert seen == [(tmp_path / INDEX).stat().st_size]
    assert (faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()) == before


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One small folder of each kind."""
    folder = tmp_path_factory.mktemp("stored")
    vectors: Matrix = clustered(500, 16)
    for kind in ("exact", *KINDS):
        IndexFolder(folder / kind).save(built(kind, vectors), IDENTITY)
    yield folder


@pytest.mark.parametrize("kind", ("exact", *KINDS))
def test_hostile_files_give_no_wrong_answer_and_no_crash(kind: str, stored: Path) -> None:
    """300 damaged folders each; tests/soak runs more. A crash of the child is a failure here, and not of this process."""
    run = subprocess.run(
        [sys.executable, str(TRIAL), str(stored / kind), "7", "300"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2_000:]
    counts = json.loads(run.stdout)
    assert counts["wrong"] == 0
    assert counts["refused"] > 200


def test_names_of_files() -> None:
    assert {VECTORS, KEYS, INDEX, MANIFEST} == {"vectors.f32", "keys.i64", "index.faiss", "manifest.json"}
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY  # the child's limit stays the child's
