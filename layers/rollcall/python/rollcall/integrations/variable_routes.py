"""Variables over HTTP."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor, key_of
from rollcall.api.routing import Body, Id, Routes
from rollcall.integrations.address import is_subdomain
from rollcall.integrations.model import LAUNCHED
from rollcall.integrations.variables import Variable, is_name

routes = Routes("Variables")


class VariableValue(Body):
    """The value of a variable."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"value": "acme"}]})
    value: Annotated[str, Field(min_length=1, max_length=1000)]


class ShownVariable(BaseModel):
    """A named value that integrations share."""

    name: str
    value: str
    created_at: str
    updated_at: str


class VariablePage(Page[ShownVariable]):
    """A page of variables."""


def _shown(variable: Variable) -> ShownVariable:
    return ShownVariable.model_validate(variable, from_attributes=True)


@routes.on("PUT /variables/<name>")
def set_variable(name: Id, body: VariableValue) -> ShownVariable:
    """Set a variable, such as `ActiveCampaign.Subdomain`.

    Names have letters, digits, `_`, `.` and `-`, and begin with a letter.
    """
    if not is_name(name):
        raise invalid("name", "must be letters, digits, _ . - and begin with a letter")
    addresses = {manifest.address.variable for manifest in routes.services.catalog.everything()}
    if name in addresses and not is_subdomain(body.value):
        raise invalid("value", "must be a subdomain, such as acme")
    return _shown(routes.services.variables.put(name, body.value, routes.actor))


@routes.on("GET /variables")
def list_variables(limit: Limit = DEFAULT_LIMIT, after: Cursor = None) -> VariablePage:
    """List variables by name."""
    found, last = routes.services.variables.page(limit, key_of("variables", after))
    return VariablePage(
        items=[_shown(variable) for variable in found], next_cursor=cursor("variables", last)
    )


@routes.on("GET /variables/<name>")
def get_variable(name: Id) -> ShownVariable:
    """One variable."""
    variable = routes.services.variables.get(name)
    if variable is None:
        raise unknown("variable", name)
    return _shown(variable)


@routes.on("DELETE /variables/<name>", status=204, problems=(409,))
def delete_variable(name: Id) -> None:
    """Delete a variable; 409 while it is the address of a launched integration."""
    used = _addressed_by(name)
    if used:
        raise Problem(409, f"the variable is the address of integrations: {', '.join(used)}")
    if not routes.services.variables.delete(name, routes.actor):
        raise unknown("variable", name)


def _addressed_by(name: str) -> list[str]:
    """The ids of the launched integrations that would be without an address."""
    services = routes.services
    connectors = {
        one.key
        for one in services.catalog.everything()
        if one.address.variable == name and not one.address.base_url
    }
    return [
        one.id
        for one in services.integrations.everything()
        if one.connector in connectors
        and one.status in LAUNCHED
        and one.base_url is None
        and one.subdomain is None
    ]
