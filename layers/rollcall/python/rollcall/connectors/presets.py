"""What a manifest says of the actions an app offers: presets, and which users none may touch.

A preset is one request and what must be read for it first. Its path, its parameters and its body
hold templates over `inputs` (what the caller gave), `external_id` (the app's id of the user), what
was read before (`reads`), `person`, `account` and `variables`. In a body, what a template makes
nothing of is not sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

_STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}

Does = Literal["create", "read", "update", "deactivate", "reactivate", "delete", "list"]
CHANGING: frozenset[Does] = frozenset({"create", "update", "deactivate", "reactivate", "delete"})

NAMES = frozenset({"inputs", "external_id", "reads", "person", "account", "variables"})
"""What a template of a request may use."""
ANSWER_NAMES = NAMES | {"response"}
WHEN = frozenset({"body", "params"})
"""What a protected request's `when` may use."""


@dataclass(frozen=True, slots=True)
class Input:
    """One thing a caller may say.

    An `id` is text or a whole number, and never empty. `default` is what a form begins with; a
    caller who leaves an input out has not said it, so nothing is sent in its place.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    key: str
    name: str
    type: Literal["text", "id", "number", "boolean", "json"] = "text"
    required: bool = False
    default: str | int | float | bool | None = None
    help: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()


USER = Input(
    "external_id", "User Id", "id", help="The app's own id of the user; or give a person_id."
)
"""What every preset about one user takes beside its own inputs."""


@dataclass(frozen=True, slots=True)
class Read:
    """Something read before the request, for its templates as `reads.<name>`.

    `at` is where the answer has it. With `optional` a record that is not there, or may not be read,
    is null. `roster` says what the roster has in its place, for a dry run: the user's record, or
    the id of the first group the user is in.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    path: str
    at: str = ""
    optional: bool = False
    roster: Literal["", "record", "group"] = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An error of the app that means nothing was left to do: `contains` is in its body."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    status: tuple[int, ...]
    contains: str
    means: Literal["already-so", "already-gone"]


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer as rows: one for each object of the list at `each`, by its columns' paths.

    `each` leads into the answer, or into the read of that name. A single object is one row.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    each: str = ""
    read: str = ""
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    constants: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Columns that are the same in every row."""
    gathered: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Columns that hold all keys of the object which begin with the given letters."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named action.

    `does` tells what becomes of the user, and so of the roster: `create` makes one, whose id the
    answer has at `id`; every other but `list` is about the user of `external_id`. A user whom the
    app does not know is gone already for `delete`, and an error for every other.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    key: str
    name: str
    does: Does
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    description: str = ""
    inputs: tuple[Input, ...] = ()
    reads: tuple[Read, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    body: Mapping[str, Any] | None = field(default=None, hash=False)
    needless: str = ""
    """A template over what was read: true where nothing is to be sent."""
    expects: str = ""
    """A template over `response`: false where the app did something else than what was asked."""
    says: tuple[Said, ...] = ()
    looks_for: str = "{{ inputs.email }}"
    """A template: the email by which to look whether a user was made."""
    id: str = ""
    response: str = ""
    """Where the answer has what the caller wants; empty: the whole answer."""
    rows: tuple[Rows, ...] = ()
    """Where the caller wants the answer as rows: of what is in `response` and in `reads`."""
    lists: Literal["", "groups"] = ""
    """The manifest's list that is read to its end in place of a request of its own."""

    @property
    def about_user(self) -> bool:
        """Is it about one user, who must be told?"""
        return self.does not in ("create", "list")


@dataclass(frozen=True, slots=True)
class Protected:
    """A request that takes a user's access: never made for an owner or for the key's own user.

    `{id}` in the path is the user's. `when` is a template over `body` and `params` (what the query
    says is there too); empty: always.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    when: str = ""
