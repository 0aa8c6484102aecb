"""Fields of people and the roles they may have, over HTTP."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Body, Id, Routes
from rollcall.fields import model
from rollcall.fields.model import PersonField, Type
from rollcall.fields.store import MOST
from rollcall.fields.uses import Use, constant_roles, presets_filling, targets

routes = Routes("Fields")

_LONGEST_KEY = 60
_UNIQUE_TYPES = ("text", "number")
_CHANGED = "fields, roles or mappings were changed in the same moment: try again"


def _printable(text: str) -> str:
    stripped = text.strip()
    if not stripped or not stripped.isprintable():
        raise ValueError("must not be empty, nor hold a line break or another control character")
    return stripped


Name = Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=200)]
Role = Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=100)]


class NewField(Body):
    """A column to add to People. Its key is made from the name and never changes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "ActiveCampaign User Id", "type": "text", "unique": True}]
        }
    )
    name: Name
    type: Type
    unique: bool = Field(
        default=False, description="No two people hold the same value; text and number only"
    )


class FieldName(Body):
    """Another name. Key, type and uniqueness stay: values are stored by them."""

    name: Name


class ShownField(BaseModel):
    """A column of People."""

    key: str = Field(description="Its name in JSON, in mappings and in templates")
    name: str
    type: Type
    unique: bool
    standard: bool = Field(description="There from the start, and not to be changed")


class FieldPage(Page[ShownField]):
    """A page of fields."""


class Roles(Body):
    """The roles that people may have, in the order in which they are shown."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"roles": ["Employee", "Manager", "Contractor"]}]}
    )
    roles: list[Role] = Field(min_length=1, max_length=100)


class ShownRoles(BaseModel):
    """The roles that people may have."""

    roles: list[str]


def _shown(field: PersonField) -> ShownField:
    return ShownField.model_validate(field, from_attributes=True)


def _key(name: str) -> str:
    """The key of that name. Raises Problem (422) where none can be made."""
    key = model.key_of(name)
    fault = None
    if not key:
        fault = "needs a letter of a to z: the field's key is made from it"
    elif not key[0].isalpha():
        fault = f"would have the key {key}, and a key begins with a letter"
    elif len(key) > _LONGEST_KEY:
        fault = f"would have a key of {len(key)} characters; {_LONGEST_KEY} may be"
    elif key in model.RESERVED:
        fault = f"would have the key {key}, which means something else"
    if fault is not None:
        raise invalid("name", fault)
    return key


@routes.on("POST /fields", status=201)
def create_field(body: NewField) -> ShownField:
    """Add a column to People.

    Its key is made from the name: `ActiveCampaign User Id` is `activecampaign_user_id`. Answers
    409 where a field has that key already, and when there are 200 custom fields.
    """
    if body.unique and body.type not in _UNIQUE_TYPES:
        raise invalid("unique", "only text and number fields can be unique")
    fields = routes.services.fields
    field = PersonField(_key(body.name), body.name, body.type, body.unique)
    link = fields.link()
    existing = fields.everything()
    if field.key in existing:
        raise Problem(409, f"there is a field {field.key!r} already")
    if len(existing) - len(model.STANDARD) >= MOST:
        raise Problem(409, f"there are {MOST} custom fields already")
    match fields.create(field, link, routes.actor):
        case "taken":
            raise Problem(409, f"there is a field {field.key!r} already")
        case "changed":
            raise Problem(409, _CHANGED)
    return _shown(field)


@routes.on("GET /fields")
def list_fields(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> FieldPage:
    """List the columns of People: the standard ones, then the custom ones by key."""
    key = key_of("fields", after)
    standard = list(model.STANDARD.values())
    start = len(standard) if key and "pk" in key else int((key or {}).get("standard", 0))
    shown = standard[start : start + limit]
    if start + limit < len(standard):
        following = {"standard": start + limit}
        return FieldPage(
            items=[_shown(field) for field in shown], next_cursor=cursor("fields", following)
        )
    last_seen = key if key and "pk" in key else None
    left = limit - len(shown)
    # A page that ends with the standard fields still has to know whether there are more.
    custom, last = routes.services.fields.custom(max(left, 1), last_seen)
    if left == 0:
        more = {"standard": len(standard)} if custom else None
        return FieldPage(
            items=[_shown(field) for field in shown], next_cursor=cursor("fields", more)
        )
    return FieldPage(
        items=[_shown(field) for field in (*shown, *custom)], next_cursor=cursor("fields", last)
    )


def _found(key: str) -> PersonField:
    field = routes.services.fields.get(key)
    if field is None:
        raise unknown("field", key)
    return field


def _custom(key: str, done: Literal["renamed", "deleted"]) -> PersonField:
    """The custom field of that key. Raises Problem: 404, or 409 for a standard one."""
    field = _found(key)
    if field.standard:
        raise Problem(409, f"{key} is a standard field and cannot be {done}")
    return field


@routes.on("GET /fields/<key>")
def get_field(key: Id) -> ShownField:
    """One column of People."""
    return _shown(_found(key))


@routes.on("PATCH /fields/<key>", problems=(409,))
def rename_field(key: Id, body: FieldName) -> ShownField:
    """Change the name a custom field is shown by."""
    renamed = routes.services.fields.rename(_custom(key, "renamed"), body.name, routes.actor)
    if renamed is None:
        raise unknown("field", key)
    return _shown(renamed)


@routes.on("DELETE /fields/<key>", status=204, problems=(409,))
def delete_field(key: Id) -> None:
    """Delete a custom field; 409 while a mapping or a preset of your own fills it.

    What people hold in it stays stored and is shown again if a field of that key is made again.
    """
    services = routes.services
    field = _custom(key, "deleted")
    link = services.fields.link()
    used = targets(services, key)
    if used:
        raise Problem(409, f"the field is mapped by integrations: {_named(used)}")
    filling = presets_filling(services, key)
    if filling:
        raise Problem(409, f"the field is filled by presets: {', '.join(filling)}")
    if not services.fields.delete(field, link, routes.actor):
        _found(key)
        raise Problem(409, _CHANGED)


@routes.on("GET /roles")
def get_roles() -> ShownRoles:
    """The roles that people may have."""
    return ShownRoles(roles=list(routes.services.fields.roles()))


@routes.on("PUT /roles", problems=(409,))
def set_roles(body: Roles) -> ShownRoles:
    """Set the roles that people may have.

    Answers 409 while a mapping uses one that would be gone as a constant. What people have stays:
    a role that is gone is refused where a record brings it, from its next run on.
    """
    services = routes.services
    folded = [role.casefold() for role in body.roles]
    for place, role in enumerate(folded):
        if role in folded[:place]:
            raise invalid(f"roles.{place}", "is there twice (case does not matter)")
    link = services.fields.link()
    used = constant_roles(services, frozenset(folded))
    if used:
        raise Problem(409, f"roles that would be gone are used by integrations: {_named(used)}")
    if not services.fields.set_roles(body.roles, link, routes.actor):
        raise Problem(409, _CHANGED)
    return ShownRoles(roles=body.roles)


def _named(uses: list[Use]) -> str:
    return ", ".join(f"{use.name!r} ({use.detail})" for use in uses)
