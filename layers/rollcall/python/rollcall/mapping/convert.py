"""From an app's value to what a person's field holds. Plain JSON in, plain JSON out.

A rule's `convert` looks at the value before the field's type does:

- `{"type": "date", "format": "%d.%m.%Y", "timezone": "Europe/Berlin"}` reads a date, as
  `values.moment` does; it becomes ISO 8601 in UTC.
- `{"type": "boolean", "true": ["active"], "false": ["locked"]}` says which texts mean what, in
  upper or lower case. Where only one list is given, anything else is the opposite.
- `{"type": "number", "decimal": ","}` reads a number with thousands grouped.
- `{"type": "list", "separator": ";", "pick": "first", "join": ", "}` takes a text apart (at commas
  where nothing else is said) and takes `all`, the `first` or the `last`; `join` makes one text.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollcall import stamps
from rollcall.fields.model import Type
from rollcall.mapping import values
from rollcall.mapping.comparing import cut
from rollcall.mapping.storing import unstorable
from rollcall.mapping.values import Unusable

MOST_WORDS = 50
"""Values that mean true, or false."""
LONGEST_WORD = 100
"""Characters of one of them, of a separator, and of what joins."""

_PICKS = ("all", "first", "last")
_LONGEST_SHOWN = 60

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unconvertible:
    """Why a value is not what the field holds. The message does not repeat the value."""

    message: str


def convert(value: Any, field_type: Type, options: Options | None = None) -> Any:
    """The value that a field of this type holds, None where it is empty; else Unconvertible.

    `value` is any JSON; `options` are such that `check_options` finds nothing wrong with them.
    """
    try:
        if not _is_empty(value) and options:
            value = _CONVERTERS[options["type"]](value, options)
        if _is_empty(value):
            return None
        made = _BY_TYPE[field_type](value)
    except Unusable as error:
        return Unconvertible(str(error))
    fault = None if made is None else unstorable(made, field_type)
    return made if fault is None else Unconvertible(f"it {fault}")


def check_options(options: Any) -> list[tuple[str, str]]:
    """What is wrong with a rule's `convert`, by the option's name; any JSON may be asked about."""
    if not isinstance(options, dict):
        return [("", 'must be an object, such as {"type": "date"}')]
    return list(_wrong(options))


def _wrong(options: Options) -> Iterator[tuple[str, str]]:
    kind = options.get("type")
    if not isinstance(kind, str) or kind not in _OPTIONS:
        yield "type", f"must be one of {', '.join(_OPTIONS)}"
        return
    checks = _OPTIONS[kind]
    told = set()
    for name, value in options.items():
        if name == "type":
            continue
        check = checks.get(name)
        if check is None:
            fault: str | None = f"is no option of {kind}; they are {', '.join(checks)}"
        else:
            fault = check(value)
        if fault is not None:
            told.add(name)
            yield cut(name, _LONGEST_SHOWN), fault
    if (
        kind == "boolean"
        and not told
        and not _words(options, "true").isdisjoint(_words(options, "false"))
    ):
        yield "false", "has a value that means true already"


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


# By the field's type


def _text(value: Any) -> str:
    """The text of a single value."""
    if isinstance(value, dict | list):
        raise Unusable(f"{_kind(value)} is no text; take one value of it")
    return values.text(value).strip()


def _datetime(value: Any) -> str | None:
    at = values.moment(value)
    return None if at is None else stamps.instant(at)


def _as_it_is(value: Any) -> Any:
    return value


_BY_TYPE: Mapping[Type, Callable[[Any], Any]] = {
    "text": _text,
    "long_text": _text,
    "number": values.number,
    "boolean": values.truth,
    "datetime": _datetime,
    "json": _as_it_is,
}


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list"


# By the rule's `convert`


def _date(value: Any, options: Options) -> str | None:
    at = values.moment(value, options.get("format"), options.get("timezone", "UTC"))
    return None if at is None else stamps.instant(at)


def _boolean(value: Any, options: Options) -> bool:
    if "true" not in options and "false" not in options:
        return values.truth(value)
    word = _text(value).casefold()
    if word in _words(options, "true"):
        return True
    if word in _words(options, "false"):
        return False
    if "true" in options and "false" in options:
        raise Unusable("it is none of the values that mean true or false")
    return "false" in options


def _words(options: Options, name: str) -> set[str]:
    return {word.strip().casefold() for word in options.get(name, ())}


def _number(value: Any, options: Options) -> int | float:
    return values.number(value, options.get("decimal"))


def _list(value: Any, options: Options) -> Any:
    if isinstance(value, dict):
        raise Unusable("an object is no list")
    if isinstance(value, str):
        rows: list[Any] = list(value.split(options.get("separator", ",")))
    else:
        rows = value if isinstance(value, list) else [value]
    rows = [row.strip() if isinstance(row, str) else row for row in rows if not _is_empty(row)]
    if not rows:
        return None
    match options.get("pick", "all"):
        case "first":
            return rows[0]
        case "last":
            return rows[-1]
    if "join" not in options:
        return rows
    return options["join"].join(map(_text, rows))


_CONVERTERS: Mapping[str, Callable[[Any, Options], Any]] = {
    "date": _date,
    "boolean": _boolean,
    "number": _number,
    "list": _list,
}


# What the options may be


def _format_fault(value: Any) -> str | None:
    return _told(values.check_reading, value)


def _zone_fault(value: Any) -> str | None:
    return _told(values.zone, value)


def _told(check: Callable[[Any], Any], value: Any) -> str | None:
    try:
        check(value)
    except Unusable as error:
        return f"cannot be used: {error}"
    return None


def _words_fault(value: Any) -> str | None:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_WORDS:
        return f"must be a list of 1 to {MOST_WORDS} texts"
    for number, word in enumerate(value):
        if not isinstance(word, str) or not word.strip() or len(word) > LONGEST_WORD:
            return f"must be texts of 1 to {LONGEST_WORD} characters (value {number})"
    return None


def _decimal_fault(value: Any) -> str | None:
    return None if value in (".", ",") else 'must be "." or ","'


def _pick_fault(value: Any) -> str | None:
    return None if value in _PICKS else f"must be one of {', '.join(_PICKS)}"


def _separator_fault(value: Any) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_WORD:
        return None
    return f"must be text of 1 to {LONGEST_WORD} characters"


def _join_fault(value: Any) -> str | None:
    if isinstance(value, str) and len(value) <= LONGEST_WORD:
        return None
    return f"must be text of at most {LONGEST_WORD} characters"


_OPTIONS: Mapping[str, Mapping[str, Callable[[Any], str | None]]] = {
    "date": {"format": _format_fault, "timezone": _zone_fault},
    "boolean": {"true": _words_fault, "false": _words_fault},
    "number": {"decimal": _decimal_fault},
    "list": {"separator": _separator_fault, "pick": _pick_fault, "join": _join_fault},
}
