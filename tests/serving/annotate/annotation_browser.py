"""A real browser at the annotation page, for the tests of both files."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from annotation_samples import TOKEN

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
).split()


class Seen:
    """A page, and what it asked for and complained of."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.requests: list[str] = []
        self.problems: list[str] = []
        page.set_default_timeout(20_000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda line: self.problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self) -> Seen:
        self.page.goto(f"{self.url}/?token={TOKEN}")
        self.page.wait_for_url(f"{self.url}/")  # the token is gone from the address
        return self.settled()

    def settled(self) -> Seen:
        """Once all that was asked for is there."""
        playwright.expect(self.page.locator("#main")).to_have_attribute("aria-busy", "false")
        return self

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def write(self, text: str) -> None:
        self.page.keyboard.type(text)

    def select(self, text: str, chosen: str) -> None:
        """Select `chosen` in the focused reader with `text`, by keys from the caret at its start. No graphemes of two points."""
        at = text.index(chosen)
        self.keys("Control+Home", *["ArrowRight"] * at, *["Shift+ArrowRight"] * len(chosen))

    def has(self, place: str, text: str) -> None:
        playwright.expect(self.page.locator(place)).to_contain_text(text)

    def says(self, text: str) -> None:
        self.has("#status", text)

    def complains(self, text: str) -> None:
        self.has("#alert", text)

    def shows(self, title: str) -> None:
        playwright.expect(self.page.locator("#title")).to_have_text(title)
