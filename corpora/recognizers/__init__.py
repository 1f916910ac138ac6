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
from corpora.recognizers.states import find_state_numbers
from corpora.recognizers.vehicles import find_vehicles

__all__ = ["KINDS", "RECOGNIZERS", "Finding", "find_again", "folded"]

RECOGNIZERS: tuple[Callable[[str], Iterator[Finding]], ...] = (
    find_networks,
    find_identifiers,
    find_state_numbers,
    find_vehicles,
    find_registers,
    find_phones,
    find_addresses,
    find_names,
    find_case_names,
)
