"""Making a user at most once.

Nobody makes two users of one email at a time. Before the request is sent, the user is looked for
and it is noted whether they were there. Where nothing is heard of the request, or a function died
over it, they are looked for again, and taken for the one that was asked for only if they were
absent before our own call. The request is sent again only where a look has shown that the one
before made nobody.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollcall.actions.store import UNHEARD, Action, Actions
from rollcall.connectors import paths
from rollcall.connectors.answers import Answer, Failure
from rollcall.connectors.engine import App
from rollcall.sync.sample import listed, record_of_email

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(frozen=True, slots=True)
class Looks:
    """How a user is looked for whom the app may still be making, in seconds.

    `pauses` are those before each look. Where a function died over the request, the last look
    comes `settled` after it was sent: as long as a function would have waited for the answer.
    """

    pauses: tuple[float, ...] = (0.0, 1.0, 3.0)
    settled: float = 30.0


LOOKS = Looks()


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


Came = Answer | Failure | Adopted | NotTried


class Creation:
    """One create, by one action that this function has claimed; `action` is how far it came.

    `letting_go` is over when others may make a user of that email.
    """

    def __init__(
        self,
        actions: Actions,
        app: App,
        action: Action,
        claimant: str,
        email: str,
        seconds: float,
        looks: Looks = LOOKS,
    ) -> None:
        self.action = action
        self._actions = actions
        self._app = app
        self._claimant = claimant
        self._email = email
        self._seconds = seconds
        self._looks = looks
        self.letting_go: Future[None] | None = None

    def once(self, send: Callable[[], Answer | Failure]) -> Came:
        """What came of it. `send` is called once at most."""
        asked = self.action.asked
        place = self._email.casefold() or asked.id
        if not self._actions.making(asked.integration_id, place, asked.id, self._seconds):
            detail = f"another action makes a user of {self._email} at the moment"
            return NotTried("conflict", detail)
        came = self._again(send) if self.action.sent else self._first(send)
        unheard = self.action.sent and isinstance(came, Failure | NotTried)
        if not unheard:  # else nobody else tries before the app must have done it
            made = self._actions.made
            self.letting_go = self._app.beside(made, asked.integration_id, place, asked.id)
        return came

    def _first(self, send: Callable[[], Answer | Failure]) -> Came:
        there = self._look()
        if isinstance(there, Failure):
            return there if there.code not in UNHEARD else NotTried(there.code, there.detail)
        absent = None if there is None else not there
        self.action = replace(
            self.action, absent=absent, there=self._id(there[0]) if there else None
        )
        return self._sent(send)

    def _again(self, send: Callable[[], Answer | Failure]) -> Came:
        """An earlier function sent the request, and did not hear that nothing was done."""
        made = self._made() if self.action.absent else self._made_beside()
        return self._sent(send, again=True) if made is None else made

    def _sent(self, send: Callable[[], Answer | Failure], *, again: bool = False) -> Came:
        self.action = replace(self.action, sent=True, sent_at=time.time())
        if not self._actions.sending(self.action, self._claimant):
            return NotTried("conflict", "another function has taken the action over")
        answer = send()
        self.action = replace(self.action, sent_at=None)
        if not isinstance(answer, Failure):
            return answer
        refused = answer.code == "vendor-rejected"
        if self.action.absent and (answer.code in UNHEARD or (again and refused)):
            # Refused this time: it may be the user whom the call before this one has made by now.
            made = self._made(self._looks.pauses[:1] if refused else self._looks.pauses)
            if isinstance(made, Adopted):
                return made
        if answer.code not in UNHEARD:
            self.action = replace(self.action, sent=False, absent=None, there=None)
        return answer

    def _made(self, pauses: tuple[float, ...] | None = None) -> Adopted | NotTried | None:
        """The user who was absent before our call; None: is not there; NotTried: nobody knows."""
        there: list[Mapping[str, Any]] | Failure | None = None
        for pause in self._pauses() if pauses is None else pauses:
            time.sleep(pause)
            there = self._look()
            if there and not isinstance(there, Failure):
                return Adopted(self._id(there[0]), there[0])
        if isinstance(there, Failure):
            return NotTried(there.code, f"whether the user was made is not known: {there.detail}")
        if there is None:
            return NotTried("vendor-silent", "whether the user was made could not be found out")
        return None

    def _pauses(self) -> tuple[float, ...]:
        if self.action.sent_at is None:
            return self._looks.pauses
        left = self.action.sent_at + self._looks.settled - time.time() - sum(self._looks.pauses)
        return (*self._looks.pauses, left) if left > 0 else self._looks.pauses

    def _made_beside(self) -> NotTried | None:
        """Did our call make a user beside the one who was there? None: there is that one alone."""
        unknown = NotTried(
            "vendor-silent",
            "an earlier try may have made the user, who may have been there before it",
        )
        if self.action.there is None:
            return unknown
        rows = listed(self._app, self._app.manifest.users)
        if isinstance(rows, Failure):
            return NotTried(rows.code, f"whether the user was made is not known: {rows.detail}")
        column, email = self._app.manifest.users.columns.email, self._email.casefold()
        told = (paths.text(paths.read(row, column)) or "" for row in rows)
        ids = [
            self._id(row)
            for row, text in zip(rows, told, strict=True)
            if text.strip().casefold() == email
        ]
        return None if ids == [self.action.there] else unknown

    def _look(self) -> list[Mapping[str, Any]] | Failure | None:
        """Users of that email; None where the app was not read far enough to know."""
        if not self._email:
            return None
        found = record_of_email(self._app, self._email)
        if isinstance(found, Failure):
            return found
        return None if found.notes and not found.records else list(found.records)

    def _id(self, record: Mapping[str, Any]) -> str | None:
        return paths.text(paths.read(record, self._app.manifest.users.id))
