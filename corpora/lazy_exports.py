"""Names that a package exports to Python users, imported when they are first used.

`import retrieval` must not load torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` (PEP 562) of `package`, which imports a name from its module when it is first used.

    `modules` maps each name to its module. Raises AttributeError for any other name.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"{package} exports no {name!r}; it exports {', '.join(modules)}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get
