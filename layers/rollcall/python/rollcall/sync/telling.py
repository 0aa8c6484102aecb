"""What a run tells of single records: what became of each, its errors, and why it was skipped."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollcall.connectors.records import Account, Group, Unreadable
from rollcall.directory import keys
from rollcall.directory.accounts import Outcome
from rollcall.directory.source import Source
from rollcall.mapping.mapper import Fault
from rollcall.sync.masking import masked, without_secrets
from rollcall.sync.seen import MARKS, Said

if TYPE_CHECKING:
    from rollcall.mapping.mapper import Mapper

_NAME = 200
"""Characters of a name that are kept of a record that was left out."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """A record that the filter leaves out, and why."""

    account: Account
    reason: str

    @property
    def external_id(self) -> str:
        """The app's own id."""
        return self.account.external_id


Read = Account | Unreadable | Filtered


def mark(one: Read, outcomes: Mapping[str, Outcome]) -> str:
    """What became of the record, as a Sight has it."""
    if isinstance(one, Unreadable):
        return MARKS["error"]
    if isinstance(one, Filtered):
        return MARKS["filtered"]
    outcome = outcomes[one.external_id]
    stays = outcome.skip is not None and outcome.skip.code == "exists-already"
    return MARKS["stays" if stays else outcome.change]


class Telling:
    """Tells of the records of one integration, never with one of `secrets` in it."""

    def __init__(self, source: Source, mapper: "Mapper", secrets: Collection[str]) -> None:
        self._source = source
        self._mapper = mapper
        self._secrets = secrets

    def skip(self, one: Read, outcomes: Mapping[str, Outcome]) -> Said | None:
        """Why the record was left out, as a Sight keeps it; None where it was not."""
        if isinstance(one, Unreadable):
            return None
        if isinstance(one, Filtered):
            account, code, message = one.account, "filtered", one.reason
            value = self._mapper.mapped(account.record).values.get(self._source.sync_keys[0])
            sync_key = None if value is None else str(value)
        else:
            account, outcome = one, outcomes[one.external_id]
            if outcome.skip is None:
                return None
            code, message, sync_key = outcome.skip.code, outcome.skip.message, outcome.sync_key
        name = account.display_name or account.email
        told = (account.external_id, sync_key, name and name[:_NAME], code, message)
        return [text and masked(text, self._secrets) for text in told]

    def errors(
        self,
        records: Sequence[Mapping[str, Any]],
        read: Sequence[Read | Group],
        outcomes: Mapping[str, Outcome],
    ) -> Iterator[dict[str, Any]]:
        """The record errors of a page: `external_id, sync_key, field, code, message, record`."""
        for record, one in zip(records, read, strict=True):
            if isinstance(one, Unreadable):
                fault = Fault("", one.code, one.message)
                yield self._error(one.external_id, None, fault, record)
            elif isinstance(one, Account):
                outcome = outcomes[one.external_id]
                for fault in outcome.faults:
                    yield self._error(one.external_id, outcome.sync_key, fault, record)

    def _error(
        self, external_id: str | None, sync_key: str | None, fault: Fault, record: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "external_id": external_id,
            "sync_key": sync_key,
            "field": fault.field or None,
            "code": fault.code,
            "message": masked(fault.message, self._secrets),
            "record": without_secrets(record, self._secrets),
        }


def placed(
    name: str, page: int, errors: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Errors with their places below the run: a record that is met twice has each error once."""
    for number, error in enumerate(errors):
        who = keys.escaped(error["external_id"] or "") or f"{page:06d}-{number:04d}"
        field = f"#{keys.escaped(error['field'])}" if error["field"] else ""
        yield f"{name}#{who}#{error['code']}{field}", error
