"""An app of eight users that no list tells everything of."""

from typing import Any

from rollcall.connectors.manifest import build
from tests.contract.replay import Asked, Said, Tenant
from tests.manifests import PAGES, joined, scattered

COUNT = 8
IDS = [str(number) for number in range(COUNT)]


def listed(name: str, rows: list[Any], style: str = "page", total: int | None = None) -> Any:
    """The rows as numbered pages of three."""
    size = PAGES[style].get("size", len(rows) or 1)
    cut = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    pages: dict[str, Any] = {}
    for number, some in enumerate(cut, 1):
        page: dict[str, Any] = {"profiles" if "." in name else name: some}
        if total is not None:
            page["total"] = total
        if style == "cursor" and number < len(cut):
            page["next"] = f"after {number}"
        pages[f"{name}.{number}"] = page
    return pages


def profiles(**more: Any) -> list[dict[str, Any]]:
    """A row of everybody but the first, and one of nobody."""
    rows = [{"id": 900 + n, "user_id": n, "title": f"Title {n}", **more} for n in range(1, COUNT)]
    return [*rows, {"id": 999, "user_id": None, "title": "Nobody's"}]


def tenant(data: dict[str, Any], style: str = "page", rows: Any = None, **pages: Any) -> Tenant:
    """An app of eight users whose list has ids only, each with a detail; and profiles."""
    users = [{"id": number, "name": "as listed"} for number in range(COUNT)]
    found = {"me": {"email": "me@example.test"}, **listed("users", users, style, COUNT)}
    for number in range(COUNT):
        person = {"id": number, "email": f"u{number}@example.test", "name": f"User {number}"}
        found[f"detail.{number}"] = {"person": person}
        found["one_user"] = {"user": {"id": number}}
    rows = profiles() if rows is None else rows
    found |= listed("joined.profile", rows, style, len(rows))
    return Tenant(build(data), found | pages)


class Failing(Tenant):
    """Answers `said` where the path ends so."""

    ending = ""
    said = Said(500, b"")

    def answer(self, asked: Asked) -> Said:
        usual = super().answer(asked)
        return self.said if asked.path.endswith(self.ending) else usual


def failing(ending: str, said: Said, **data: Any) -> Failing:
    usual = tenant(scattered("page", joined()), **data)
    made = Failing(usual.manifest, usual.pages)
    made.ending, made.said = ending, said
    return made
