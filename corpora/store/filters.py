"""Which documents a search may see, as one SQL condition.

Those that a reader may read, of some collections, with some facts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from corpora.errors import RaftsmithError

_CONDITION = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_COLUMNS = {"title": "d.title", "source": "d.source", "media_type": "d.media_type", "document": "d.id"}


@dataclass(frozen=True)
class Condition:
    """A document's fact against a value. `operator` is one of = != < <= > >=.

    The fact is title, source, media_type, document (its id), or one that the document states or that was said of it:
    date, type, jurisdiction, licence, ... Order is that of numbers where both are numbers, else of text, as fits dates
    in ISO 8601. A document without the fact meets no condition on it but !=.
    """

    fact: str
    operator: str
    value: str


@dataclass(frozen=True)
class Filter:
    """The permitted documents.

    `readers` are all the names that the one who asks goes by (their own, their groups'): they see what is for everybody
    or for one of these names. None is the owner, who sees everything. `collections`, where there are any, and all
    `conditions` must hold.
    """

    readers: tuple[str, ...] | None = None
    collections: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def everything(self) -> bool:
        """True when nothing is left out."""
        return self == Filter()

    def sql(self) -> tuple[str, list[str]]:
        """A condition on `documents d`, and its values."""
        parts, values = ["1"], []
        if self.readers is not None:
            parts.append(
                "d.audience IN (SELECT number FROM audiences a WHERE a.readers = '[]' OR EXISTS "
                "(SELECT 1 FROM json_each(a.readers) r JOIN json_each(?) w ON w.value = r.value))"
            )
            values.append(json.dumps(self.readers, ensure_ascii=False))
        if self.collections:
            parts.append("d.collection IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(self.collections, ensure_ascii=False))
        for condition in self.conditions:
            fact = _COLUMNS.get(condition.fact, "(SELECT value FROM json_each(d.metadata) m WHERE m.key = ?)")
            key = [] if condition.fact in _COLUMNS else [condition.fact]
            if condition.operator in ("=", "!="):
                parts.append(f"{fact} {'IS' if condition.operator == '=' else 'IS NOT'} ?")
                values += [*key, condition.value]
            elif _NUMBER.fullmatch(condition.value):
                parts.append(f"({fact} GLOB '[-0-9]*' AND CAST({fact} AS REAL) {condition.operator} CAST(? AS REAL))")
                values += [*key, *key, condition.value]
            else:
                parts.append(f"{fact} {condition.operator} ?")
                values += [*key, condition.value]
        return " AND ".join(parts), values


EVERYTHING = Filter()


def parse_condition(text: str) -> Condition:
    """ "date>=2020-01-01" as a condition. Raises RaftsmithError."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise RaftsmithError(
            f"{text!r} is no condition; accepted: FACT OPERATOR VALUE with one of = != < <= > >=, as in 'date>=2020-01-01'; "
            "`raftsmith documents NAME` shows a document's facts"
        )
    return Condition(*match.groups())


def make_filter(
    readers: Sequence[str] | None = None, collections: Sequence[str] = (), conditions: Sequence[str] = ()
) -> Filter:
    """A filter from words as they are typed. Raises RaftsmithError."""
    reader_names = None if readers is None else tuple(sorted(set(readers)))
    return Filter(reader_names, tuple(sorted(set(collections))), tuple(map(parse_condition, conditions)))
