"""A template's text as jinja2's lexer and parser read it, with the offset of each part.

jinja2 numbers tokens and nodes by lines: here that number is the offset in the source.
"""

import re
from collections.abc import Iterator, Sequence

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

DEEPEST = 40
"""Steps of a path, filters in a row, brackets and conditions within each other."""

_LEXER = Environment(autoescape=False).lexer  # noqa: S701 - it reads; nothing is rendered with it
_PARSING = Environment(autoescape=False)  # noqa: S701
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = frozenset("\n\\'\"abfnrtv01234567xuUN")

Token = tuple[int, str, str]


class NotAllowedError(Exception):
    """Something in the source that no template may have."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def read(source: str) -> Iterator[Token]:
    """The lexer's tokens, each with its offset."""
    at = end = depth = 0
    kind = ""
    stream = _LEXER.tokeniter(source, None)
    while True:
        try:
            token = next(stream, None)
        except TemplateSyntaxError as error:
            message = re.sub(r" at \d+$", "", error.message or "")
            raise NotAllowedError(message, end) from None
        if token is None:
            if kind in ("comment_begin", "raw_begin"):
                raise NotAllowedError("unexpected end of template", at)
            return
        _, kind, value = token
        at = source.find(value, end)  # whitespace before {{- was dropped
        end = at + len(value)
        if kind == "operator":
            depth += (value in "([{") - (value in ")]}")
            if depth > DEEPEST:
                raise NotAllowedError("it nests too deep", at)
        elif kind == "string":
            # An escape that is none is two characters, as in Python; Python warns of it.
            value = _ESCAPE.sub(lambda m: m[0] if m[1] in _ESCAPED else rf"\{m[0]}", value)
        yield at, kind, value


def parsed(tokens: Sequence[Token]) -> list[nodes.Node]:
    """What the template is made of; raises TemplateSyntaxError, with the offset for the line."""
    parser = Parser(_PARSING, "")
    parser.stream = TokenStream(_LEXER.wrap(tokens), None, None)
    return parser.parse().body


def first_of(node: nodes.Node) -> int:
    """Where a node is; jinja2 does not tell of every one, but of what is in it."""
    places = (one.lineno for one in (node, *node.find_all(nodes.Node)))
    return next((at for at in places if at is not None), 0)


def start_of(node: nodes.Node) -> int:
    """Where an expression begins: jinja2 tells of `a.b` where the dot is."""
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter | nodes.Test | nodes.Call):
        if node.node is None:
            break
        node = node.node
    return node.lineno
