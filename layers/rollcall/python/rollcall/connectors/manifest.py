"""What a manifest says. These classes are the schema: `check` validates against them by path.

A manifest is a TOML file beside this one (comments there state the vendor's truth), or a customer's
own, the same as JSON. Loading one that passed `check` costs no validation, so that a function
starts fast. docs/guide/add-an-app.md has every key; a test keeps it so.

A path into JSON is as `connectors.paths` has it. `records` and `record` may be empty: then the
answer itself is the list, or the record.
"""

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from rollcall.connectors.presets import Preset, Protected

_STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a tenant of the app lives, and where its API begins there.

    With neither `subdomain_url` nor `base_url` each integration must say its `base_url`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    """What follows the origin in every call, such as `/api/3`; empty where nothing does."""
    subdomain_url: str = ""
    """The tenant's origin with `{subdomain}` in its host; empty where there are no subdomains."""
    variable: str = ""
    """The variable that holds the subdomain of an integration that names none."""
    base_url: str = ""
    """The one origin of all tenants, where there is one."""


@dataclass(frozen=True, slots=True)
class Auth:
    """How the app wants requests signed when a credential does not say otherwise."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    type: Literal["api_key", "bearer", "basic", "oauth2_client_credentials"]
    name: str = "Authorization"
    """Of the header or the parameter that holds an API key."""
    add_to: Literal["header", "query"] = "header"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `seconds`, and at most `in_flight` at once."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    requests: int
    seconds: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A cheap call that any valid key may make, and where it tells whose key that is."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    identity: str
    id: str = ""
    """Where it has the id of the user whose key it is, as the list of users has it."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list is turned over. `size` is what is asked for; the app may give less.

    Without a `size_parameter` nothing is asked for, and `size` is what the app gives by itself.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    style: Literal["offset", "page", "cursor", "none"]
    size: int = 0
    size_parameter: str = ""
    position_parameter: str = ""
    first: int = 0
    """The number of the first page, where pages are numbered."""
    next: str = ""
    """The path of the next cursor, where there are cursors."""


@dataclass(frozen=True, slots=True)
class One:
    """How a single record is fetched by its id: `{id}` in the path, the record at `record`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    record: str


@dataclass(frozen=True, slots=True)
class Find:
    """How a user is fetched by email: `{email}` in the path, or the email as a parameter.

    At `record` is the user's record as the list has it, or a list in which it is.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    record: str
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """A second list whose rows belong to users: those whose `key` is what the user has at `on`.

    The row becomes the user's record's `into`: null where there is none, the first where there are
    several. With `many` it is the list of all of them.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    into: str
    path: str
    records: str
    paging: Paging
    key: str
    on: str
    total: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a user's record holds what an account shows. `display_name` joins what it finds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    email: str
    display_name: tuple[str, ...]
    username: str = ""
    enabled: str = ""
    """Empty: the app knows no disabled users."""
    last_active_at: str = ""
    """Empty: the app does not tell."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Grants told in a list inside a user's record, such as a role for each product."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    type: Literal["group", "admin", "role"]
    each: str
    id: str
    name: str
    scope: str = ""
    scope_name: str = ""
    none: tuple[str, ...] = ()
    """Ids that mean "no such role" and are no grant."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A grant told by a flag in a user's record; `id` and `name` are the entitlement's own."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    type: Literal["group", "admin", "role"]
    when: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Users:
    """The list of users, one of them by id or by email, and the grants their records tell.

    Where the list does not tell all, `detail` is called for each record and its keys win over the
    list's; then `joined` lists add their rows. Everything else here reads the completed record.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    records: str
    id: str
    paging: Paging
    columns: Columns
    total: str = ""
    one: One | None = None
    find: Find | None = None
    detail: One | None = None
    joined: tuple[Joined, ...] = ()
    listed: tuple[Listed, ...] = ()
    flagged: tuple[Flagged, ...] = ()
    owners: tuple[str, ...] = ()
    """The ids of users who own the account, where these are the same in every account."""


@dataclass(frozen=True, slots=True)
class Admins:
    """Which groups make their members administrators: by id or by name."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Groups:
    """The list of groups, and which of them are administrators'."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    records: str
    id: str
    name: str
    paging: Paging
    total: str = ""
    one: One | None = None
    admins: Admins = Admins()


@dataclass(frozen=True, slots=True)
class ByUser:
    """The groups of one user: `{id}` is the user's. The rows are a list or a single object."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    records: str


@dataclass(frozen=True, slots=True)
class Memberships:
    """The members of one group: `{id}` in the path is the group's."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    records: str
    account: str
    group: str
    paging: Paging
    total: str = ""
    by_user: ByUser | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """An answer that does not mean what its status says: `contains` is looked for in the body."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    status: tuple[int, ...]
    contains: str
    means: Literal["not-found", "throttled", "unauthorized"]


@dataclass(frozen=True, slots=True)
class Field:
    """A standard field of the app's users: the key mappings use, and where the record has it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    key: str
    name: str
    path: str
    type: Literal["text", "boolean", "datetime"]


@dataclass(frozen=True, slots=True)
class Target:
    """A rule of the default mapping: a person's field from a source, a template or a constant.

    It says what a rule of an integration's mapping does (see `mapping.model`), but knows only the
    standard fields of a person, and as sources the manifest's own fields.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    target: str
    source: str = ""
    """A field's key, or `display_name` as the account shows it."""
    template: str = ""
    value: str | int | float | bool = ""
    convert: Mapping[str, Any] | None = field(default=None, hash=False)
    write: Literal["", "always", "if_empty", "never"] = ""
    """Empty: always for the first sync key and what is none, never for later ones."""
    sync_key: int = 0
    """1 for the field a person is found by, 2 and so on for those tried after it; 0: none."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything Rollcall knows about one app."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    key: str
    name: str
    description: str
    address: Address
    auth: Auth
    rate_limit: Rate
    test: Probe
    users: Users
    fields: tuple[Field, ...]
    mapping: tuple[Target, ...]
    groups: Groups | None = None
    memberships: Memberships | None = None
    errors: tuple[Error, ...] = ()
    presets: tuple[Preset, ...] = ()
    protected: tuple[Protected, ...] = ()

    @property
    def sync_key(self) -> Target:
        """The rule of the field by which a person is found."""
        return next(rule for rule in self.mapping if rule.sync_key == 1)

    def preset(self, key: str) -> Preset | None:
        """The preset of that key, or None."""
        return next((preset for preset in self.presets if preset.key == key), None)


def parse(file: Path) -> dict[str, Any]:
    """The manifest file as plain data; raises tomllib.TOMLDecodeError with line and column."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def build(data: Mapping[str, Any]) -> Manifest:
    """A manifest from data that `check.problems` found nothing wrong with."""
    manifest: Manifest = _build(Manifest, data)
    return manifest


def _build(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{key: _build(hints[key], inner) for key, inner in value.items()})
    if get_origin(kind) is tuple:
        return tuple(_build(get_args(kind)[0], inner) for inner in value)
    if get_origin(kind) in (Union, types.UnionType):
        return _build(get_args(kind)[0], value)
    return value


def plain(value: Any) -> Any:
    """The data that `build` makes this manifest, or this part of one, of; defaults are left out."""
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    if not is_dataclass(value):
        return value
    given = {
        one.name: (
            getattr(value, one.name),
            one.default if one.default_factory is MISSING else one.default_factory(),
        )
        for one in fields(value)
    }
    return {name: plain(inner) for name, (inner, default) in given.items() if inner != default}


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}
