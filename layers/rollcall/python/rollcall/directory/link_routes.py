"""What a hand decides about accounts, over HTTP."""

from typing import Annotated

from pydantic import ConfigDict, Field

from rollcall.access.problems import Problem, invalid, unknown
from rollcall.api.routing import Body, Id, Routes
from rollcall.directory import read
from rollcall.directory.links import Hand, Refusal
from rollcall.directory.read import Kind
from rollcall.directory.routes import Account, origin_of
from rollcall.integrations import lookup
from rollcall.items import Item

routes = Routes("Directory")


class Link(Body):
    """Whose account it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person_id": "0192f1c0"}]})
    person_id: Annotated[str, Field(min_length=1, max_length=200)]


class AccountChange(Body):
    """What kind of account it is, or that its sync keys decide again whose it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "service"}]})
    kind: Kind = Field(default_factory=lambda: "person")
    link: None = Field(default=None, description="Null: what a hand said of it counts no more")


def _hand() -> Hand:
    return Hand(routes.services.directory, routes.services.config, routes.actor)


def _shown(integration_id: str, external_id: str, said: Item | Refusal) -> Account:
    match said:
        case "no-account":
            raise unknown("account", external_id)
        case "no-person":
            raise invalid("person_id", "there is no such person")
        case "no-persons-account":
            raise Problem(409, "it is a service or system account: make it a person's first")
        case "busy":
            raise Problem(409, "the account keeps changing: try again")
    origin = origin_of(lookup.found(routes.services, integration_id))
    account = read.account(routes.services.directory, origin, external_id)
    if account is None:
        raise unknown("account", external_id)
    return Account.model_validate(account)


@routes.on("PUT /integrations/<integration_id>/accounts/<external_id>/person", problems=[409])
def link_account(integration_id: Id, external_id: Id, body: Link) -> Account:
    """Link the account to a person by hand.

    Later syncs leave it there, whatever its sync keys say; the next one merges its values.
    """
    lookup.found(routes.services, integration_id)
    said = _hand().link(integration_id, external_id, body.person_id)
    return _shown(integration_id, external_id, said)


@routes.on("DELETE /integrations/<integration_id>/accounts/<external_id>/person", problems=[409])
def unlink_account(integration_id: Id, external_id: Id) -> Account:
    """Unlink the account: it belongs to nobody from now on, and later syncs leave it so."""
    lookup.found(routes.services, integration_id)
    return _shown(integration_id, external_id, _hand().unlink(integration_id, external_id))


@routes.on("PATCH /integrations/<integration_id>/accounts/<external_id>", problems=[409])
def change_account(integration_id: Id, external_id: Id, body: AccountChange) -> Account:
    """Mark the account as a person's, a service's or the system's, or give it back to its keys.

    Service and system accounts belong to nobody, and later syncs make no person of them. With
    `link` null a link or an unlink by hand is forgotten: the account belongs to nobody until the
    next run finds its person by the sync keys.
    """
    lookup.found(routes.services, integration_id)
    if len(body.model_fields_set) != 1:
        raise invalid("kind", "give kind, or link: null, and not both")
    said = (
        _hand().set_kind(integration_id, external_id, body.kind)
        if "kind" in body.model_fields_set
        else _hand().release(integration_id, external_id)
    )
    return _shown(integration_id, external_id, said)
