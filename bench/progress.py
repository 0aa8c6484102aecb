"""What the bench is doing, on stderr: a bar while it works, a line when it is done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress
from rich.console import Console

from bench.processes import Watch


class Progress:
    """Stages, one after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, title: str, calls: int | None) -> Iterator[Watch]:
        """A stage that makes so many calls (None: nobody knows); yields what is told of them."""
        columns = (
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
        )
        started = time.monotonic()
        silent = not self._console.is_terminal
        if silent:
            self._console.print(f"{title} ...", highlight=False)
        with progress.Progress(
            *columns, console=self._console, transient=True, disable=silent
        ) as bar:
            task = bar.add_task(title, total=calls)
            yield lambda done: bar.update(task, completed=done)
        seconds = time.monotonic() - started
        self._console.print(f"{title}: {seconds:.1f} s", highlight=False)
