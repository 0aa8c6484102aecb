"""A few users' records as a run would see them: completed, with nothing stored.

Joined lists are read only until everybody wanted has a row, and not beyond some pages: what that
leaves out is told in `notes`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rollcall.connectors import paths
from rollcall.connectors.answers import Failure
from rollcall.connectors.complete import Record, Rows, row_id, with_rows
from rollcall.connectors.engine import App, Listing, Page
from rollcall.connectors.manifest import Joined
from rollcall.sync.listing import CursorCameBack, Reading

MOST_PAGES = 10
"""Of a list that is read for a sample."""
LONGEST_LIST = 100
"""Pages of a list that is read whole, for somebody who waits for it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Completed records; `notes` are sentences on what was not read to its end."""

    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()


def first_records(app: App, limit: int) -> Sample | Failure:
    """The first `limit` users, from the first page of the list."""
    paging = app.manifest.users.paging
    first = next(Reading("sample", paging).wanted())
    page = app.page(app.manifest.users, first.position)
    return page if isinstance(page, Failure) else completed(app, page.records[:limit])


def one_record(app: App, external_id: str) -> Sample | Failure:
    """The user of that id: fetched alone where the app allows, or else looked for in the list.

    No record where the app has no such user, or, as a note says, none on the pages that were read.
    """
    users = app.manifest.users
    if external_id in ("", ".", ".."):
        return Sample(())
    if users.one is None:
        return _searched(app, lambda record: paths.text(paths.read(record, users.id)), external_id)
    record = app.one(users.one, external_id)
    if isinstance(record, Failure):
        return Sample(()) if record.code == "vendor-not-found" else record
    return completed(app, [record])


def record_of_email(app: App, email: str) -> Sample | Failure:
    """The user of that email, whatever its case; see `one_record`."""
    users, email = app.manifest.users, email.strip()
    if users.find is None or "@" not in email:
        return _searched(
            app,
            lambda record: (paths.text(paths.read(record, users.columns.email)) or "").casefold(),
            email.casefold(),
        )
    record = app.find(email)
    if isinstance(record, Failure):
        return record
    return completed(app, [record]) if record is not None else Sample(())


def listed(app: App, listing: Listing) -> tuple[Record, ...] | Failure:
    """Every record of a list, to its end."""
    found: list[Record] = []
    for page in _pages(app, listing, LONGEST_LIST):
        match page:
            case Failure():
                return page
            case None:
                return Failure("vendor-broken", f"{listing.path} has more than {len(found)} rows")
        found += page.records
    return tuple(found)


def completed(app: App, records: Sequence[Record]) -> Sample | Failure:
    """The records with their details and the rows of joined lists."""
    found = app.detailed(records)
    if isinstance(found, Failure):
        return found
    notes = []
    for joined in app.manifest.users.joined:
        rows = _rows(app, joined, found)
        if isinstance(rows, Failure):
            return rows
        of_list, note = rows
        found = tuple(with_rows(record, [of_list]) for record in found)
        notes += [note] if note else []
    return Sample(found, tuple(notes))


def _rows(app: App, joined: Joined, records: Sequence[Record]) -> tuple[Rows, str] | Failure:
    wanted = {paths.text(paths.read(record, joined.on)) for record in records} - {None}
    rows = Rows(joined)
    for page in _pages(app, joined):
        match page:
            case Failure():
                return page
            case None:
                return rows, f"{joined.into}: only {MOST_PAGES} pages of {joined.path} were read"
        rows.add(row for row in page.records if paths.text(paths.read(row, joined.key)) in wanted)
        if not joined.many and all(key in rows for key in wanted if key):
            break
    return rows, ""


def _searched(app: App, told: Callable[[Record], str | None], value: str) -> Sample | Failure:
    for page in _pages(app, app.manifest.users):
        match page:
            case Failure():
                return page
            case None:
                path = app.manifest.users.path
                return Sample((), (f"only {MOST_PAGES} pages of {path} were looked through",))
        for record in page.records:
            if told(record) == value:
                return completed(app, [record])
    return Sample(())


def _pages(app: App, listing: Listing, most: int = MOST_PAGES) -> Iterator[Page | Failure | None]:
    """The pages of a list, one after the other; a Failure ends them, and None where more follow."""
    reading = Reading("sample", listing.paging)
    for _ in range(most):
        wanted = next(reading.wanted(), None)
        if wanted is None:
            return
        page = app.page(listing, wanted.position)
        yield page
        if isinstance(page, Failure):
            return
        try:
            reading.add(wanted.number, [row_id(row) for row in page.records], page.total, page.next)
        except CursorCameBack as error:
            yield Failure("vendor-broken", str(error))
            return
    if next(reading.wanted(), None) is not None:
        yield None
