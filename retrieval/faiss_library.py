"""FAISS as an untyped value: the stubs that it ships (1.15) leave out or contradict much of what the index uses."""

from __future__ import annotations

from typing import Any

import faiss as _stubbed

faiss: Any = _stubbed
FaissIndex = Any
"""Any FAISS index; an alias that says what is meant."""
