"""The history of actions over HTTP."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from rollcall.access.problems import unknown
from rollcall.actions.shapes import ActionPage, ShownAction, shown
from rollcall.actions.store import Action
from rollcall.api.paging import DEFAULT_LIMIT, Cursor, Limit, cursor, key_of
from rollcall.api.routing import Id, Routes

routes = Routes("Actions")

Wanted = Annotated[str | None, Query(min_length=1, max_length=200)]


@routes.on("GET /actions")
def list_actions(
    person_id: Wanted = None,
    integration_id: Wanted = None,
    actor: Wanted = None,
    limit: Limit = DEFAULT_LIMIT,
    after: Cursor = None,
) -> ActionPage:
    """List what was asked of apps, the newest first: of a person, of an integration, by an actor.

    A page may be shorter than `limit` before the end, where several of these are given.
    """
    lists = [("P", person_id), ("I", integration_id), ("A", actor)]
    names = [f"{kind}#{value}" for kind, value in lists if value is not None]
    name = names[0] if names else "all"
    listing = f"actions {lists}"
    found, last = routes.services.actions.page(name, limit, key_of(listing, after))

    def wanted(action: Action) -> bool:
        asked = action.asked
        return (
            person_id in (None, asked.person_id)
            and integration_id in (None, asked.integration_id)
            and actor in (None, asked.actor)
        )

    items = [shown(action) for action in found if wanted(action)]
    return ActionPage(items=items, next_cursor=cursor(listing, last))


@routes.on("GET /actions/<action_id>")
def get_action(action_id: Id) -> ShownAction:
    """One action: what was asked, what was sent, what came back."""
    action = routes.services.actions.get(action_id)
    if action is None:
        raise unknown("action", action_id)
    return shown(action)
