"""Making a user at most once.

Nobody makes two users of one email at a time. Before the request is sent, the user is looked for
and it is noted whether they were there. Where nothing is heard of the request, or a function died
over it, they are looked for again, and taken for the one that was asked for only if they were
absent before our own call.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollcall.actions.store import Action, Actions
from rollcall.connectors import paths
from rollcall.connectors.answers import Answer, Failure
from rollcall.connectors.engine import App
from rollcall.sync.sample import record_of_email

UNHEARD = frozenset({"vendor-silent", "vendor-broken"})
"""After these nobody knows whether the app did what was asked."""
_LOOKS = (0.0, 1.0, 3.0)
"""Seconds before each look for a user whom the app may still be making."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The user whom our own call made although nothing was heard of it."""

    external_id: str | None
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotTried:
    """Why the request was not sent this time."""

    code: str
    detail: str


class Creation:
    """One create, by one action that this function has claimed."""

    def __init__(
        self, actions: Actions, app: App, action: Action, claimant: str, email: str, seconds: float
    ) -> None:
        self._actions = actions
        self._app = app
        self._action = action
        self._claimant = claimant
        self._email = email
        self._seconds = seconds

    def once(self, send: Callable[[], Answer | Failure]) -> Answer | Failure | Adopted | NotTried:
        """What came of it. `send` is called once at most."""
        asked = self._action.asked
        place = self._email.casefold() or asked.id
        if not self._actions.making(asked.integration_id, place, asked.id, self._seconds):
            detail = f"another action makes a user of {self._email} at the moment"
            return NotTried("conflict", detail)
        came = self._tried(send)
        if not (isinstance(came, Failure) and came.code in UNHEARD):
            self._actions.made(asked.integration_id, place, asked.id)
        return came

    def _tried(self, send: Callable[[], Answer | Failure]) -> Answer | Failure | Adopted | NotTried:
        action = self._action
        if action.sent:
            if not action.absent:
                detail = "an earlier try may have made the user, who may have been there before it"
                return NotTried("vendor-silent", detail)
            adopted = self._adopted()
            if adopted is not None:
                return adopted
        else:
            there = self._look()
            if isinstance(there, Failure):
                return there if there.code not in UNHEARD else NotTried(there.code, there.detail)
            absent = None if there is None else not there
            if not self._actions.sending(action, self._claimant, absent):
                return NotTried("conflict", "another function has taken the action over")
            self._action = action = replace(action, sent=True, absent=absent)
        answer = send()
        if isinstance(answer, Failure) and answer.code in UNHEARD and action.absent:
            return self._adopted() or answer
        return answer

    def _look(self) -> list[Mapping[str, Any]] | Failure | None:
        """Users of that email; None where the app was not read far enough to know."""
        if not self._email:
            return None
        found = record_of_email(self._app, self._email)
        if isinstance(found, Failure):
            return found
        return None if found.notes and not found.records else list(found.records)

    def _adopted(self) -> Adopted | None:
        for pause in _LOOKS:
            time.sleep(pause)
            there = self._look()
            if there and not isinstance(there, Failure):
                external_id = paths.text(paths.read(there[0], self._app.manifest.users.id))
                return Adopted(external_id, there[0])
        return None
