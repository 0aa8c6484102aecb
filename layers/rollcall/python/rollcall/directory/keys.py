"""The directory table's keys, all of them, in one place.

| item     | pk                  | sk                                   | in gsi1: pk to sk        |
|----------|---------------------|--------------------------------------|--------------------------|
| account  | I#integration       | ACCOUNT#id                           | PERSON#person to account |
| group    | I#integration       | GROUP#id                             |                          |
| grant    | I#integration       | GRANT#account#type#entitlement#scope | entitlement to account   |
| person   | PERSON#id           | PERSON                               | PEOPLE to email#id       |
| key      | KEY#field#value     | KEY                                  |                          |

An app's ids may hold anything, so `#` and `%` in them are escaped. An integration that loads people
only has account items too, with `load` = "people"; in gsi1 they are PERSON#person to RECORD#…, and
no list of accounts shows them. A key makes the value of one of a person's unique fields unique.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from rollcall.connectors.records import LONGEST_KEY, Grant

PEOPLE = "PEOPLE"


def escaped(part: str) -> str:
    """A part of a key that holds no `#`."""
    return part.replace("%", "%25").replace("#", "%23")


def unescaped(part: str) -> str:
    """What `escaped` was given."""
    return part.replace("%23", "#").replace("%25", "%")


def integration(integration_id: str) -> str:
    """The partition of everything one integration brought."""
    return f"I#{integration_id}"


def account(external_id: str) -> str:
    """An account's sort key."""
    return f"ACCOUNT#{escaped(external_id)}"


def group(external_id: str) -> str:
    """A group's sort key."""
    return f"GROUP#{escaped(external_id)}"


def grant(held: Grant) -> str:
    """A grant's sort key."""
    parts = (held.account, held.type, held.id, held.scope or "")
    return "GRANT#" + "#".join(map(escaped, parts))


def grants_of(external_id: str) -> str:
    """What the sort keys of an account's grants begin with."""
    return f"GRANT#{escaped(external_id)}#"


def account_id(sort_key: str) -> str:
    """The app's id in an account's sort key."""
    return unescaped(sort_key.removeprefix("ACCOUNT#"))


def group_id(sort_key: str) -> str:
    """The app's id in a group's sort key."""
    return unescaped(sort_key.removeprefix("GROUP#"))


def grant_account(sort_key: str) -> str:
    """The account's id in a grant's sort key."""
    return unescaped(sort_key.split("#")[1])


def entitlement(integration_id: str, kind: str, entitlement_id: str) -> str:
    """The index partition of everybody who holds one entitlement."""
    return f"I#{integration_id}#ENTITLEMENT#{kind}#{escaped(entitlement_id)}"


def person(person_id: str) -> str:
    """A person's partition, and the index partition of their accounts."""
    return f"PERSON#{person_id}"


def sync_key(field: str, value: Any) -> str:
    """The partition of the item that makes a unique field's value unique.

    Case and the space around do not count, and a number is the same as its text. What is longer
    than a key can be is told by its digest.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    folded = str(value).strip().lower()
    if len(folded) > LONGEST_KEY:
        folded = f"blake2b:{blake2b(folded.encode(), digest_size=24).hexdigest()}"
    return f"KEY#{field}#{folded}"


def owned(load: str, integration_id: str, external_id: str) -> str:
    """The index sort key of an account below its person."""
    kind = "RECORD" if load == "people" else "ACCOUNT"
    return f"{kind}#{integration_id}#{escaped(external_id)}"


def person_index(person_id: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Where a person stands in the list of people: by email, or else by username."""
    name = fields.get("email") or fields.get("username") or ""
    return {"gsi1pk": PEOPLE, "gsi1sk": f"{str(name).strip().lower()[:200]}#{person_id}"}
