"""Recognisers of personal data, one noun a module: each takes folded text and gives findings, which may overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from corpora.recognizers.addresses import find_addresses
from corpora.recognizers.cases import find_case_names
from corpora.recognizers.finding import KINDS, Finding, folded
from corpora.recognizers.identifiers import find_identifiers
from corpora.recognizers.names import find_again, find_names
from corpora.recognizers.networks import find_networks
from corpora.recognizers.phones import find_phones
from corpora.recognizers.registers import find_registers

__all__ = ["KINDS", "RECOGNIZERS", "Finding", "find_again", "folded"]

RECOGNIZERS: tuple[Callable[[str], Iterator[Finding]], ...] = (
    find_networks,
    find_identifiers,
    find_registers,
    find_phones,
    find_addresses,
    find_names,
    find_case_names,
)
