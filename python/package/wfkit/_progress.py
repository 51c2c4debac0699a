"""How far work is, in a notebook or a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from ._types import Progress

# Work that is done sooner shows nothing.
PATIENCE_S = 1.0
WIDTH = 30


class Bar:
    """Shows work that takes longer than a second."""

    def __init__(self, show: Callable[[str, int, int, str], None], hide: Callable[[], None]) -> None:
        self._show, self._hide = show, hide
        self._started = time.monotonic()
        self._shown = False
        self._work, self._about, self._done, self._steps = "", "", 0, 0

    def begin(self, work: str, steps: int) -> None:
        self._work, self._about, self._done, self._steps = work, "", 0, steps
        self._update()

    def about(self, what: str) -> None:
        self._about = what
        self._update()

    def done(self, steps: int) -> None:
        self._done = max(self._done, steps)
        self._update()

    def steps(self, n: int) -> None:
        self.done(self._done + n)

    def end(self) -> None:
        if self._shown:
            self._hide()
            self._shown = False

    def _update(self) -> None:
        if self._shown or time.monotonic() - self._started > PATIENCE_S:
            self._shown = True
            self._show(self._work, self._done, self._steps, self._about)


def terminal() -> Bar:
    """A line on standard error."""

    def show(work: str, done: int, steps: int, about: str) -> None:
        filled = WIDTH * done // steps if steps else 0
        bar = f" [{'=' * filled}{' ' * (WIDTH - filled)}] {done}/{steps}" if steps else f" {done or ''}"
        sys.stderr.write(f"\r{f'{work}{bar} {about}':<78.78}")
        sys.stderr.flush()

    def hide() -> None:
        sys.stderr.write("\r" + " " * 78 + "\r")
        sys.stderr.flush()

    return Bar(show, hide)


def notebook() -> Bar:
    """An element below the cell."""
    from html import escape

    from IPython.display import HTML, display  # type: ignore[import-not-found, unused-ignore]

    handles: list[Any] = []

    def show(work: str, done: int, steps: int, about: str) -> None:
        bar = f"<progress value='{done}' max='{steps}'></progress> {done}/{steps}" if steps else str(done or "")
        element = HTML(f"<span>{escape(work)} {bar} {escape(about)}</span>")
        if handles:
            handles[0].update(element)
        else:
            handles.append(display(element, display_id=True))

    def hide() -> None:
        handles[0].update(HTML(""))

    return Bar(show, hide)


def is_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def watcher(progress: Progress) -> Bar | None:
    """Who is told: by default (None) a notebook or a terminal; False nobody; a function, with work, steps done and all steps."""
    if callable(progress):
        return Teller(progress)
    if progress is False:
        return None
    if is_notebook():
        return notebook()
    if progress or sys.stderr.isatty():
        return terminal()
    return None


class Teller(Bar):
    """Tells a function of every step."""

    def __init__(self, tell: Callable[[str, int, int], object]) -> None:
        super().__init__(lambda work, done, steps, _: void(tell(work, done, steps)), lambda: None)
        self._shown = True

    def end(self) -> None:
        pass


def void(_: object) -> None:
    pass
