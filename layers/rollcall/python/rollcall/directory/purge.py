"""Deleting what an integration brought, in as many calls as that takes."""

from collections.abc import Callable

from rollcall.directory import keys
from rollcall.tables import BATCH_WRITE, Table


def holds_anything(directory: Table, integration_id: str) -> bool:
    """Whether there is an account, a group or a grant of the integration."""
    items, _ = directory.page(keys.integration(integration_id), limit=1)
    return bool(items)


def purge(directory: Table, integration_id: str, has_time: Callable[[], bool]) -> bool:
    """Delete accounts, groups and grants while there is time; True when nothing is left.

    People stay: other integrations may know them, and what is known of a person is not an
    account.
    """
    keys_left: list[tuple[str, str]] = []
    for item in directory.query(keys.integration(integration_id), attributes=("pk", "sk")):
        keys_left.append((item["pk"], item["sk"]))
        if len(keys_left) == BATCH_WRITE:
            if not has_time():
                return False
            directory.write_many((), keys_left)
            keys_left = []
    directory.write_many((), keys_left)
    return True
