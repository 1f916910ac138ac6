"""Files under the paths that a person gives: files, folders and patterns, without hidden ones and links."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corpora.errors import RaftsmithError


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Every regular file under `paths`, absolute, in order; hidden ones and links are left out. Raises RaftsmithError.

    A path that does not exist may be a pattern ("contracts/**/*.pdf"): what it matches counts as given.
    """
    files: dict[Path, None] = {}
    for path in (match for pattern in paths for match in _matches(pattern)):
        if path.is_file():
            files[path.resolve()] = None
        elif path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and not file.is_symlink() and not _hidden(file.relative_to(path)):
                    files[file.resolve()] = None
        else:
            raise RaftsmithError(f"{path} does not exist; give files, folders or patterns to add")
    return list(files)


def _matches(path: Path) -> list[Path]:
    """The path itself, or the files and folders that match it, where it does not exist and is a pattern.

    Hidden ones are left out, and nothing is found through links.
    """
    parts = path.parts
    first = next((index for index, part in enumerate(parts) if set(part) & set("*?[")), None)
    if first is None or path.exists():
        return [path]
    folder = Path(*parts[:first])
    try:
        matched = sorted(match for match in folder.glob(str(Path(*parts[first:]))) if not _hidden(match.relative_to(folder)))
    except ValueError as error:
        raise RaftsmithError(f"{path} is no pattern ({error}); accepted: *, ?, [abc], and ** for any folders") from error
    if not any(match.is_file() or match.is_dir() for match in matched):
        raise RaftsmithError(
            f"{path} matches nothing in {folder.resolve()}; accepted: a file, a folder, or a pattern with *, ?, [abc] and ** for any folders"
        )
    return matched


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def source_name(path: Path) -> str:
    """The path as the store names it: bytes of a file name that are not UTF-8 are written as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
