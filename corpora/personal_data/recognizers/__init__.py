"""Recognisers of personal data, one noun a module: each takes folded text and gives findings, which may overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from corpora.personal_data.recognizers.addresses import find_addresses
from corpora.personal_data.recognizers.case_names import find_case_names
from corpora.personal_data.recognizers.email_and_ip import find_networks
from corpora.personal_data.recognizers.finding import KINDS, Finding, folded
from corpora.personal_data.recognizers.ids_and_accounts import find_identifiers
from corpora.personal_data.recognizers.names import find_again, find_names
from corpora.personal_data.recognizers.national_ids import find_state_numbers
from corpora.personal_data.recognizers.phones import find_phones
from corpora.personal_data.recognizers.record_numbers import find_registers
from corpora.personal_data.recognizers.vehicles import find_vehicles

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
