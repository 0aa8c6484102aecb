"""Mappings as JSON: what is asked, and what is answered."""

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rollcall.api.paging import Page
from rollcall.api.routing import Body
from rollcall.directory.rehearsal import Change
from rollcall.directory.source import Preference
from rollcall.integrations.forms import Filter, Mapping
from rollcall.mapping.mapper import Fault
from rollcall.mapping.trial import Becomes, PersonBecomes, Tried
from rollcall.sync.masking import masked, without_secrets


class Suggestion(BaseModel):
    """A rule that is probably meant."""

    target: str
    source: str
    confidence: float = Field(ge=0, le=1)
    reason: str
    sample: Any = Field(description="A value that was seen there")


class Suggestions(BaseModel):
    """At most one for each field of a person, in the fields' order."""

    items: list[Suggestion]


class Trying(Body):
    """What to try in place of what the integration has; what is left out is as it has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"filter": {"field": "email", "op": "ends_with", "value": "@acme.com"}}]
        }
    )
    mapping: Mapping | None = Field(default=None, description="Null: the connector's")
    filter: Filter | None = Field(default=None, description="Null: every record is taken")
    preference: Preference = Field(default_factory=lambda: "create_and_update")


class RecordFault(BaseModel):
    """Why a record, or one value of it, could not be taken."""

    field: str | None = Field(description="A field of a person; null: the record as a whole")
    code: str
    message: str


class Previewed(BaseModel):
    """What would become of one record."""

    external_id: str | None = Field(description="Null where the record has none that can be kept")
    person: dict[str, Any] = Field(description="What the mapping makes of it, by field")
    passes: bool = Field(description="The filter takes it")
    reason: str
    change: Becomes = Field(description="What becomes of its account on the roster")
    person_change: PersonBecomes = Field(description="What becomes of its person")
    person_id: str | None = Field(description="Whose it is; null: nobody's, or somebody new")
    errors: list[RecordFault]


class Preview(BaseModel):
    """What the first records would become."""

    items: list[Previewed]
    notes: list[str] = Field(description="What was not read to its end")


class Wanted(Body):
    """One record of the app: by its id there, or by its email."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ann@example.com"}]})
    external_id: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    email: Annotated[str, Field(min_length=3, max_length=320, pattern="@")] | None = None


class FetchStep(BaseModel):
    """The record was read, or why it was not."""

    step: Literal["fetch"]
    ok: bool
    code: str | None = Field(default=None, description="Why not, for programs")
    detail: str


class FilterStep(BaseModel):
    """The filter takes it or leaves it out."""

    step: Literal["filter"]
    ok: bool
    rule: str | None = Field(description="The condition that decided, such as all.1.any.0")
    reason: str


class MapStep(BaseModel):
    """What the mapping makes of it."""

    step: Literal["map"]
    ok: bool
    values: dict[str, Any]
    errors: list[RecordFault]


class MatchStep(BaseModel):
    """Whom the account belongs to."""

    step: Literal["match"]
    ok: bool = Field(description="It belongs to somebody, or would make somebody new")
    key: str | None = Field(description="The sync key that decided")
    value: str | None
    person_id: str | None
    creates: bool = Field(description="The person would be new")
    reason: str


class StoredChange(BaseModel):
    """One thing on the roster that would change."""

    kind: Literal["account", "person", "group", "grant"]
    id: str
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ChangeStep(BaseModel):
    """What would be stored."""

    step: Literal["change"]
    ok: bool
    change: Becomes
    person_change: PersonBecomes
    reason: str
    before: dict[str, Any] | None = Field(description="The person's fields now")
    after: dict[str, Any] | None = Field(description="The person's fields then")
    changes: list[StoredChange]
    errors: list[RecordFault]


Step = Annotated[
    FetchStep | FilterStep | MapStep | MatchStep | ChangeStep, Field(discriminator="step")
]


class Explained(BaseModel):
    """What would become of one record, step by step."""

    external_id: str | None
    steps: list[Step]
    record: dict[str, Any] | None = Field(
        description="The app's record without secrets; null: not found, or larger than 50 KB"
    )


class MappedField(BaseModel):
    """One rule of one integration's mapping."""

    integration_id: str
    integration: str
    connector: str
    target: str
    source: str | None
    template: str | None
    value: Any
    convert: dict[str, Any] | None
    write: Literal["always", "if_empty", "never"]
    sync_key: int | None
    mapping_source: Literal["own", "connector"]


class MappingPage(Page[MappedField]):
    """A page of rules."""


def errors(faults: Iterable[Fault]) -> list[RecordFault]:
    """Faults as they are shown."""
    return [
        RecordFault(field=fault.field or None, code=fault.code, message=fault.message)
        for fault in faults
    ]


def explained(
    tried: Tried, notes: Sequence[str], record: dict[str, Any] | None, secrets: Collection[str]
) -> Explained:
    """The steps of what was tried, up to the one that decided."""
    detail = "; ".join(("the app's record was read", *notes))
    steps: list[Any] = [FetchStep(step="fetch", ok=True, detail=detail)]
    if tried.verdict is not None:
        steps.append(
            FilterStep(
                step="filter",
                ok=tried.verdict.passed,
                rule=tried.verdict.path or None,
                reason=masked(tried.verdict.reason, secrets),
            )
        )
    passed = tried.verdict is None or tried.verdict.passed
    if passed and tried.mapped is not None:
        faults = tried.errors if tried.matched is None else tried.mapped.faults
        values = without_secrets(tried.mapped.values, secrets) or {}
        steps.append(MapStep(step="map", ok=not faults, values=values, errors=errors(faults)))
    if tried.matched is not None:
        steps += [_match(tried), _change(tried, secrets)]
    return Explained(external_id=tried.external_id, steps=steps, record=record)


def _match(tried: Tried) -> MatchStep:
    matched = tried.matched
    if matched is None:
        raise ValueError("nothing was matched")
    its = matched.match
    return MatchStep(
        step="match",
        ok=its.person_id is not None or its.creates,
        key=matched.key,
        value=matched.value,
        person_id=its.person_id,
        creates=its.creates,
        reason=matched.reason,
    )


def _change(tried: Tried, secrets: Collection[str]) -> ChangeStep:
    changes = [_stored(change, secrets) for change in tried.changes]
    person = next((one for one in changes if one.kind == "person"), None)
    return ChangeStep(
        step="change",
        ok=tried.change not in ("skip", "fail"),
        change=tried.change,
        person_change=tried.person_change,
        reason=masked(tried.reason, secrets),
        before=person.before if person else None,
        after=person.after if person else None,
        changes=changes,
        errors=errors(tried.errors),
    )


def _stored(change: Change, secrets: Collection[str]) -> StoredChange:
    before, after = (
        without_secrets(side, secrets) if side is not None else None
        for side in (change.before, change.after)
    )
    return StoredChange(
        kind=change.kind, id=change.id, change=change.change, before=before, after=after
    )
