"""Whose key an integration uses, as the app last said, so that it need not be asked.

(`OWN#integration`, credential) in the runs table. Every run, and every action that needs to know,
has it from the app and keeps it.
"""

from rollcall.credentials.store import Credential
from rollcall.stamps import now
from rollcall.sync.kept import expiry
from rollcall.tables import Table


class OwnUsers:
    """The store."""

    def __init__(self, runs: Table, days: int) -> None:
        self._runs = runs
        self._days = days

    def keep(self, integration_id: str, credential_id: str, user_id: str | None) -> None:
        """Remember the app's id of the user; None, where the app tells none, is not kept."""
        if user_id is not None:
            item = {"user_id": user_id, "at": now(), "expires_at": expiry(self._days)}
            self._runs.put({"pk": f"OWN#{integration_id}", "sk": credential_id, **item})

    def known(self, integration_id: str, credential: Credential) -> str | None:
        """The app's id of the user, if the app said so since the key is in use."""
        item = self._runs.get(f"OWN#{integration_id}", credential.id)
        if item is None or item["at"] < credential.updated_at:
            return None
        return str(item["user_id"])
