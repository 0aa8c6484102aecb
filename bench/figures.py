"""A figure, the floor measured beside it, and whether it keeps its limit. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; its name says the unit.

    `floor` is what the least that does the job took in the same run, in the same unit; None where
    nothing can be compared. `limit`, in that unit too, is the most that `value` may be; None: it
    is reported and not limited. `rule` says where the limit comes from.
    """

    name: str
    value: float
    floor: float | None
    limit: float | None
    rule: str = ""

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of its floor; None without one."""
        return self.value / self.floor if self.floor else None

    @property
    def ok(self) -> bool:
        """The figure keeps its limit, or has none. A value that is no number keeps nothing."""
        return self.limit is None or self.value <= self.limit

    def as_json(self) -> dict[str, object]:
        """The figure as bench/results.json has it."""
        return {
            "name": self.name,
            "value": _short(self.value),
            "floor": _short(self.floor),
            "ratio": _short(self.ratio),
            "limit": _short(self.limit),
            "ok": self.ok,
        }


def times_floor(name: str, value: float, floor: float, most: float) -> Figure:
    """A figure that may be at most `most` times its floor."""
    return Figure(name, value, floor, most * floor, f"{most:g} x the floor")


def at_most(name: str, value: float, limit: float, rule: str, floor: float | None = None) -> Figure:
    """A figure whose limit does not depend on its floor."""
    return Figure(name, value, floor, limit, rule)


def reported(name: str, value: float, floor: float | None = None) -> Figure:
    """A figure for orientation."""
    return Figure(name, value, floor, None)


def exit_code(figures: Iterable[Figure]) -> int:
    """0 when there is a figure and every one keeps its limit, else 1."""
    verdicts = [figure.ok for figure in figures]
    return 0 if verdicts and all(verdicts) else 1


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
