"""What is told on the way: a spinner and bars on a terminal, plain lines with times in a pipe."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from local.run import Stopped

_PIPE_WIDTH = 100


class Bars(Protocol):
    """One line of progress for each name."""

    def set(self, name: str, done: int, total: int | None, said: str, *, over: bool) -> None:
        """Show how far it is; `total` None: nobody knows yet."""


class Screen:
    """Tells on standard output. Every step is also where a request to stop is heard."""

    def __init__(self, told: threading.Event) -> None:
        self._told = told
        self._console = Console(
            highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH, markup=False
        )
        self._since = time.monotonic()

    def say(self, *lines: str) -> None:
        """Whole lines, never broken, so that they can be pasted."""
        for line in lines:
            self._console.print(line, soft_wrap=True)

    def fail(self, message: str) -> None:
        """Why it ends, on standard error."""
        Console(stderr=True, highlight=False, markup=False).print(
            message, style="red", soft_wrap=True
        )

    def show(self, parts: Iterable[RenderableType]) -> None:
        """Tables, each after an empty line."""
        for part in parts:
            self._console.print()
            self._console.print(part)
        self._console.print()

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Say `what` before it is done; what is put into the list is told after it.

        Raises Stopped when told to stop meanwhile.
        """
        if self._told.is_set():
            raise Stopped
        detail: list[str] = []
        if self._console.is_terminal:
            started = time.monotonic()
            with self._progress() as progress:
                progress.add_task(what, total=None, said="")
                yield detail
            self._console.print(
                Text.assemble(("✓ ", "green"), what, (f"  {_since(started)}", "dim"))
            )
        else:
            self.line(what)
            yield detail
        for line in detail:
            self._console.print(f"    {line}", style="dim", soft_wrap=True)
        if self._told.is_set():
            raise Stopped

    @contextmanager
    def bars(self, names: list[str]) -> Iterator[Bars]:
        """Bars for what runs side by side."""
        if not self._console.is_terminal:
            yield _Lines(self)
            return
        with self._progress(transient=False) as progress:
            yield _Live(progress, names)

    def _progress(self, *, transient: bool = True) -> Progress:
        columns: list[ProgressColumn] = [
            SpinnerColumn(finished_text=Text("✓", "green")),
            TextColumn("{task.description}", markup=False),
        ]
        if not transient:
            columns += [BarColumn(20), TextColumn("{task.fields[count]:>7}", markup=False)]
        columns += [TextColumn("{task.fields[said]}", markup=False), _Elapsed()]
        return Progress(*columns, console=self._console, transient=transient)

    def line(self, text: str) -> None:
        """A line of a pipe, with the seconds since the start."""
        self._console.print(f"{_since(self._since):>8}  {text}", soft_wrap=True)


class _Live:
    """Bars that move. Rich takes a full one for over, so each has one more to go until it is."""

    def __init__(self, progress: Progress, names: list[str]) -> None:
        self._progress = progress
        width = max(map(len, names))
        self._tasks = {
            name: progress.add_task(f"{name:<{width}}", total=None, count="", said="queued")
            for name in names
        }

    def set(self, name: str, done: int, total: int | None, said: str, *, over: bool) -> None:
        task = self._tasks[name]
        if over:
            whole: int | None = done + 1
        else:
            whole = None if total is None else total + 1
        count = "" if total is None else f"{done}/{total}"
        self._progress.update(task, completed=done + over, total=whole, count=count, said=said)


class _Lines:
    """A line whenever something changed."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._last: dict[str, str] = {}

    def set(self, name: str, done: int, total: int | None, said: str, *, over: bool) -> None:
        del over
        text = f"  {name}: {done} of {'?' if total is None else total} accounts, {said}"
        if text != self._last.get(name):
            self._last[name] = text
            self._screen.line(text)


class _Elapsed(ProgressColumn):
    """Seconds since the task began."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text(f"{elapsed or 0:.1f} s", style="dim")


def table(title: str, *columns: str, numbers: Iterable[str] = ()) -> Table:
    """An empty table; the columns in `numbers` are aligned to the right, the last one may wrap."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    right = set(numbers)
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column != columns[-1],
        )
    return made


def _since(moment: float) -> str:
    return f"{time.monotonic() - moment:.1f} s"
