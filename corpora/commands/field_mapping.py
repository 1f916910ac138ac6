"""The option `--map FIELD=COLUMN`: which columns of rows hold what."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click


def read_field_mapping(
    pairs: Sequence[str], fields: Collection[str], repeatable: Collection[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Field → its columns, in the order given. `fields` are accepted, those of `repeatable` with several columns.

    Raises click.UsageError for what is no pair, a field that is not accepted, and a second column of a field that takes
    one.
    """
    mapping: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        field, _, column = pair.partition("=")
        if field not in fields or not column:
            raise click.UsageError(f"--map {pair}: give FIELD=COLUMN with one of {', '.join(fields)}")
        if field in mapping and field not in repeatable:
            raise click.UsageError(f"--map gives {field} twice: {mapping[field][0]} and {column}")
        mapping[field] = (*mapping.get(field, ()), column)
    return mapping
