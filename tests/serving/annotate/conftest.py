"""The annotation page in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    from annotation_browser import ARGUMENTS, CHROMIUM, playwright

    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any, served: Callable[[FastAPI], Any]) -> Callable[..., Any]:
    """`with opened(session, 2) as (one, two)`: so many people at one session, each with a browser of their own.

    At the end nothing was loaded from elsewhere, and nothing failed but what has `allowed` in its message.
    """
    from annotation_browser import Seen
    from annotation_samples import TOKEN

    from serving.annotate.app import create_annotate_app

    @contextmanager
    def open_all(session: Any, people: int = 1, allowed: str = "", **options: Any) -> Iterator[Any]:
        with served(create_annotate_app(session, TOKEN)) as url:
            contexts = [browser.new_context(**options) for _ in range(people)]
            try:
                all_seen = [Seen(context.new_page(), url).open() for context in contexts]
                yield all_seen if people > 1 else all_seen[0]
            finally:
                for context in contexts:
                    context.close()
        for seen in all_seen:
            assert seen.requests and all(request.startswith(f"{url}/") for request in seen.requests), seen.requests
            assert not [problem for problem in seen.problems if not allowed or allowed not in problem], seen.problems

    return open_all
