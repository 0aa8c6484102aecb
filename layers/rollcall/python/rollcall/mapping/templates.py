"""Text with `{{ expressions }}` and `{% if %}`, refused when saved or rendered in bounds.

Data are plain JSON. Null and what is missing are the same, and render as nothing; true and false
render so, lists and objects as JSON. A filter that cannot do its work fails the template.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from jinja2 import TemplateSyntaxError

from rollcall.mapping.expressions import Builder, Context, Value, joined
from rollcall.mapping.library import LONGEST_TEXT
from rollcall.mapping.tokens import NotAllowedError, parsed, read
from rollcall.mapping.values import Unusable

LONGEST_SOURCE = 4_000

Names = tuple[str, ...] | frozenset[str]
NAMES = frozenset({"response", "person"})
"""What a template may use where nothing else is said."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a text is no template, and where: line and column count from 1."""

    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a template gave nothing for these data. The message holds no value of them."""

    message: str


@dataclass(frozen=True, slots=True)
class Read:
    """A key that a template reads of one of its names (`source.email`), and where.

    `keys` are all of a longer path: `key` is the first of them.
    """

    name: str
    key: str
    line: int
    column: int
    keys: tuple[str | int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. It keeps nothing of what it renders and may be used by many threads."""

    source: str
    reads: tuple[Read, ...]
    _text: Callable[[Context], str]
    _single: Value | None

    @property
    def is_value(self) -> bool:
        """Is it one `{{ expression }}` and nothing else, so that its value may be any JSON?"""
        return self._single is not None

    def render(self, context: Context) -> str | Failed:
        """The text it makes of the data, by name."""
        made = _bounded(self._text, context)
        if isinstance(made, str) and not made.isascii() and not _is_unicode(made):
            return Failed("the text holds half a character (a lone surrogate)")
        return made

    def value(self, context: Context) -> Any:
        """The value itself, any JSON, where the template is one `{{ expression }}` and nothing
        else; else the text. Failed as with `render`.
        """
        return self.render(context) if self._single is None else _bounded(self._single, context)


@lru_cache(maxsize=256)
def compile_template(source: str, names: Names = NAMES) -> Template | Refused:
    """The template, which may use the data of these names; or what in it is refused.

    The same text is compiled once: each lap of a run, and what comes after it, has the same one.
    """
    if len(source) > LONGEST_SOURCE:
        message = f"a template has at most {LONGEST_SOURCE} characters"
        return _refused(source, LONGEST_SOURCE, message)
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tokens = list(read(source))
        body = parsed(tokens)
        builder = Builder(source, tokens, names)
        single = builder.single(body)
        text = builder.body(body, 0) if single is None else joined([single])
        reads = (
            Read(name, str(keys[0]), *_place(source, at), keys) for name, keys, at in builder.reads
        )
        return Template(source, tuple(reads), text, single)
    except NotAllowedError as refused:
        return _refused(source, refused.at, refused.message)
    except TemplateSyntaxError as error:
        return _refused(source, error.lineno, error.message or "this is no template")
    except RecursionError:
        return _refused(source, 0, "it nests too deep")


def _refused(source: str, at: int, message: str) -> Refused:
    return Refused(message, *_place(source, at))


def _place(source: str, at: int) -> tuple[int, int]:
    """Line and column, counted from 1."""
    at = min(at, len(source))
    return source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)


def _bounded(evaluate: Callable[[Context], _Made], context: Context) -> _Made | Failed:
    try:
        made = evaluate(context)
    except Unusable as error:
        return Failed(str(error))
    except RecursionError:
        return Failed("the data nest too deep")
    if isinstance(made, str) and len(made) > LONGEST_TEXT:
        return Failed(f"the text grows beyond {LONGEST_TEXT} characters")
    return made


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
