"""Telling by SNS, at least once and hardly ever twice.

What is due is stored as the STATE's `untold` in the transaction that ends the run, published after
it, and then taken off. So a step that is killed anywhere tells when it is repeated, a step that is
repeated for another reason tells nothing again, and what could not be published is told with the
next run's end. Only a function that is killed between publishing and taking off tells twice.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from rollcall.aws import Aws
from rollcall.integrations.model import Integration
from rollcall.items import Item
from rollcall.notices.due import Ended, due
from rollcall.notices.publishing import publish
from rollcall.notices.text import text
from rollcall.tables import Table, absent, equals

_MOST_UNTOLD = 10
"""Older ones are dropped: who was out of reach that long needs the latest."""


class Teller:
    """Tells the contacts of integrations through one topic; an empty `topic` tells nobody.

    A message has the attributes `kind`, `integration_id` and, where the integration has contacts,
    `contacts`: a list of addresses, on which each contact's subscription filters.
    """

    def __init__(self, aws: Aws, topic: str, config: Table, logger: Logger) -> None:
        self._aws = aws
        self._topic = topic
        self._config = config
        self._log = logger

    def noted(
        self, state: Mapping[str, Any], event: Ended, error: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """What the end of a run changes in the STATE: `told`, and the notices that are `untold`."""
        if not self._topic:
            return {}
        kinds, told = due(state.get("told") or {}, event)
        fresh = [{"kind": kind, "run_id": event.run_id, "error": error} for kind in kinds]
        untold = [*(state.get("untold") or []), *fresh][-_MOST_UNTOLD:]
        return {"told": told or None, "untold": untold or None}

    def refused(self, integration: Integration, error: Mapping[str, Any]) -> None:
        """Tell that the app refuses the credential, as a call without a run has found out.

        Where a run ends in the same moment, that run tells what it found.
        """
        state = self._config.get("STATE", integration.id) or {}
        noted = self.noted(state, Ended("", "failed", str(error["code"])), error)
        last = state.get("last_run_id")
        unchanged = equals("last_run_id", last) if last else absent("last_run_id")
        if noted and self._config.update("STATE", integration.id, noted, unchanged):
            self.tell(integration)

    def tell(self, integration: Integration) -> None:
        """Publish what is untold, in order. What cannot be published is logged, and waits."""
        if not self._topic:
            return
        untold = (self._config.get("STATE", integration.id) or {}).get("untold") or []
        left = list(untold)
        while left and self._published(integration, left[0]):
            del left[0]
        if left != untold:
            # If another run ended meanwhile, it has told, or will.
            self._config.update(
                "STATE", integration.id, {"untold": left or None}, equals("untold", untold)
            )

    def _published(self, integration: Integration, notice: Item) -> bool:
        message = text(
            notice["kind"],
            integration.id,
            integration.name,
            notice["run_id"],
            notice.get("error"),
        )
        attributes = {"kind": str(notice["kind"]), "integration_id": integration.id}
        contacts = integration.contacts
        return publish(self._aws, self._topic, message, attributes, contacts, self._log)
