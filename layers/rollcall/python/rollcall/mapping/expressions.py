"""What a template may say: jinja2 reads it, each node of its syntax tree becomes a function.

No Python is generated and no sandbox is trusted: a node without a rule here is refused. So a
template reaches keys of the data it is given, constants and the filters of `library`, and nothing
else in the process: an attribute is a key, never a method.
"""

import inspect
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from jinja2 import nodes

from rollcall.mapping import values
from rollcall.mapping.library import FILTERS, LONGEST_TEXT
from rollcall.mapping.tokens import DEEPEST, NotAllowedError, Token, first_of, start_of
from rollcall.mapping.values import Unusable

MOST_NODES = 400
LARGEST_NUMBER = 2**53
_SHOWN = 20
"""Names that the message about an unknown one tells."""

Context = Mapping[str, Any]
Value = Callable[[Context], Any]

# What has no rule below is refused.

_WORDS: Mapping[type[nodes.Node], str] = MappingProxyType(
    {
        nodes.For: "loops are", nodes.Call: "calls are", nodes.CallBlock: "calls are",
        nodes.Assign: "set is", nodes.AssignBlock: "set is", nodes.With: "with is",
        nodes.Macro: "macros are", nodes.Include: "include is", nodes.Import: "import is",
        nodes.FromImport: "import is", nodes.Extends: "extends is", nodes.Block: "blocks are",
        nodes.FilterBlock: "filter blocks are", nodes.Scope: "autoescape is",
        nodes.Slice: "slices are", nodes.Tuple: "tuples are",
    }
)  # fmt: skip
_ARITHMETIC: Mapping[type[nodes.Node], str] = MappingProxyType(
    {
        nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/", nodes.FloorDiv: "//",
        nodes.Mod: "%", nodes.Pow: "**", nodes.Pos: "+", nodes.Neg: "-",
    }
)  # fmt: skip
_CONSTANTS = (nodes.Const, nodes.Neg, nodes.List, nodes.Dict)

TESTS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "defined": lambda value: value is not None,
        "undefined": lambda value: value is None,
        "none": lambda value: value is None,
        "empty": lambda value: value is None or value in ("", [], {}),
        "string": lambda value: isinstance(value, str),
        "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": lambda value: isinstance(value, bool),
        "true": lambda value: value is True,
        "false": lambda value: value is False,
        "list": lambda value: isinstance(value, list),
        "mapping": lambda value: isinstance(value, Mapping),
    }
)
"""What `is` may ask."""


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison that is false of what has no order: a text and a number, null, lists."""

    def compared(left: Any, right: Any) -> bool:
        texts = isinstance(left, str) and isinstance(right, str)
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        return (texts or numbers) and compare(left, right)

    return compared


def _contains(item: Any, container: Any) -> bool:
    if isinstance(container, list):
        return item in container
    return isinstance(container, str | Mapping) and isinstance(item, str) and item in container


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "eq": lambda left, right: left == right,
        "ne": lambda left, right: left != right,
        "lt": _ordered(lambda left, right: left < right),
        "lteq": _ordered(lambda left, right: left <= right),
        "gt": _ordered(lambda left, right: left > right),
        "gteq": _ordered(lambda left, right: left >= right),
        "in": _contains,
        "notin": lambda left, right: not _contains(left, right),
    }
)


class Builder:
    """Makes one template's functions of its syntax tree; raises NotAllowedError."""

    def __init__(self, source: str, tokens: Sequence[Token], names: Collection[str]) -> None:
        self._source = source
        self._operators = [(at, value) for at, kind, value in tokens if kind == "operator"]
        self._names = names
        self._count = 0
        self.reads: list[tuple[str, tuple[str | int, ...], int]] = []
        """The keys that are read of a name, `source.email`, each with its offset."""

    def body(self, body: Sequence[nodes.Node], depth: int) -> Callable[[Context], str]:
        """The text of outputs and conditions, one after the other."""
        parts: list[Value] = []
        for node in body:
            self._check(node, depth)
            if isinstance(node, nodes.If):
                parts.append(self._if(node, depth + 1))
            elif isinstance(node, nodes.Output):
                parts.extend(self._output(part, depth + 1) for part in node.nodes)
            else:
                raise self._not_allowed(node)
        return joined(parts)

    def single(self, body: Sequence[nodes.Node]) -> Value | None:
        """The expression that is the whole template, if one is."""
        if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1:
            (node,) = body[0].nodes
            if not isinstance(node, nodes.TemplateData):
                return self._expression(node, 1)
        return None

    def _output(self, node: nodes.Node, depth: int) -> Value:
        if isinstance(node, nodes.TemplateData):
            data = node.data
            return lambda _context: data
        return self._expression(node, depth)

    def _if(self, node: nodes.If, depth: int) -> Value:
        branches = [
            (self._expression(one.test, depth), self.body(one.body, depth))
            for one in (node, *node.elif_)
        ]
        otherwise = self.body(node.else_, depth)

        def evaluate(context: Context) -> str:
            for test, text in branches:
                if test(context):
                    return text(context)
            return otherwise(context)

        return evaluate

    def _expression(self, node: nodes.Node, depth: int) -> Value:
        self._check(node, depth)
        rule = self._RULES.get(type(node))
        if rule is None:
            raise self._not_allowed(node)
        return rule(self, node, depth + 1)

    def _name(self, node: nodes.Name, _depth: int) -> Value:
        name = node.name
        if name not in self._names:
            known = ", ".join(sorted(self._names)[:_SHOWN])
            known += ", …" if len(self._names) > _SHOWN else ""
            message = f"there is no {name!r} here; a template may use {known}"
            raise NotAllowedError(message, node.lineno)
        return lambda context: context.get(name)

    def _path(self, node: nodes.Getattr | nodes.Getitem, depth: int) -> Value:
        steps: list[nodes.Getattr | nodes.Getitem] = []
        base: nodes.Node = node
        while isinstance(base, nodes.Getattr | nodes.Getitem):
            self._check(base, depth + len(steps))
            steps.append(base)
            base = base.node
        start = self._expression(base, depth)
        keys = [self._key(step) for step in reversed(steps)]
        if isinstance(base, nodes.Name) and isinstance(keys[0], str):
            self.reads.append((base.name, tuple(keys), base.lineno))

        def evaluate(context: Context) -> Any:
            found = start(context)
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else _inside(found, key)
                if found is None:
                    return None
            return found

        return evaluate

    def _key(self, step: nodes.Getattr | nodes.Getitem) -> str | int:
        if isinstance(step, nodes.Getattr):
            at = step.lineno + 1  # behind the dot
            while self._source[at].isspace():
                at += 1
            key: Any = step.attr
        else:
            at = start_of(step.arg)
            is_constant = isinstance(step.arg, nodes.Const | nodes.Neg)
            key = self._expression(step.arg, 0)({}) if is_constant else None
        if isinstance(key, bool) or not isinstance(key, str | int):
            message = "in [ ] stands a constant, either a text or a whole number"
            raise NotAllowedError(message, at)
        if isinstance(key, str) and key.startswith("_"):
            raise NotAllowedError("a key that begins with an underscore is not allowed", at)
        return key

    def _const(self, node: nodes.Const, _depth: int) -> Value:
        constant = node.value
        if isinstance(constant, int | float) and not abs(constant) <= LARGEST_NUMBER:
            raise NotAllowedError("this number is too large", node.lineno)
        return lambda _context: constant

    def _negative(self, node: nodes.Neg, depth: int) -> Value:
        if not isinstance(node.node, nodes.Const) or not TESTS["number"](node.node.value):
            raise self._not_allowed(node)
        constant = -self._expression(node.node, depth)({})
        return lambda _context: constant

    def _list(self, node: nodes.List, depth: int) -> Value:
        items = [self._constant(item, depth) for item in node.items]
        return lambda context: [item(context) for item in items]

    def _dict(self, node: nodes.Dict, depth: int) -> Value:
        pairs = []
        for pair in node.items:
            if not isinstance(pair.key, nodes.Const) or not isinstance(pair.key.value, str):
                raise NotAllowedError("a key must be a constant text", pair.lineno)
            pairs.append((pair.key.value, self._constant(pair.value, depth)))
        return lambda context: {key: value(context) for key, value in pairs}

    def _constant(self, node: nodes.Node, depth: int) -> Value:
        if not isinstance(node, _CONSTANTS):
            message = "a list or an object may hold only constants"
            raise NotAllowedError(message, start_of(node))
        return self._expression(node, depth)

    def _filter(self, node: nodes.Filter, depth: int) -> Value:
        if node.node is None:
            raise self._not_allowed(node)
        value = self._expression(node.node, depth)
        name, at = node.name, node.lineno
        function = FILTERS.get(name)
        if function is None:
            raise NotAllowedError(f"there is no filter {name!r}", at)
        for unpacked in (node.dyn_args, node.dyn_kwargs):
            if unpacked is not None:
                raise NotAllowedError("* and ** are not allowed", start_of(unpacked))
        arguments = [self._expression(one, depth) for one in node.args]
        named = {str(one.key): self._expression(one.value, depth) for one in node.kwargs}
        _check_call(node, function, arguments, named)

        def evaluate(context: Context) -> Any:
            whole = value(context)
            given = [one(context) for one in arguments]
            given_by_name = _each(named, context)
            try:
                made = function(whole, *given, **given_by_name)
            except Unusable as error:
                raise Unusable(f"{name}: {error}") from None
            if isinstance(made, str) and len(made) > LONGEST_TEXT:
                raise Unusable(f"{name}: the text grows beyond {LONGEST_TEXT} characters")
            return made

        return evaluate

    def _test(self, node: nodes.Test, depth: int) -> Value:
        value = self._expression(node.node, depth)
        test = TESTS.get(node.name)
        if test is None or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            known = ", ".join(TESTS)
            at = max(node.lineno, self._source.find(node.name, node.lineno))
            raise NotAllowedError(f"there is no such test; there are {known}", at)
        return lambda context: test(value(context))

    def _compare(self, node: nodes.Compare, depth: int) -> Value:
        start = self._expression(node.expr, depth)
        operands = [(_COMPARISONS[one.op], self._expression(one.expr, depth)) for one in node.ops]

        def evaluate(context: Context) -> bool:
            left = start(context)
            for compare, operand in operands:
                right = operand(context)
                if not compare(left, right):
                    return False
                left = right
            return True

        return evaluate

    def _and(self, node: nodes.And, depth: int) -> Value:
        left, right = self._expression(node.left, depth), self._expression(node.right, depth)
        return lambda context: left(context) and right(context)

    def _or(self, node: nodes.Or, depth: int) -> Value:
        left, right = self._expression(node.left, depth), self._expression(node.right, depth)
        return lambda context: left(context) or right(context)

    def _not(self, node: nodes.Not, depth: int) -> Value:
        value = self._expression(node.node, depth)
        return lambda context: not value(context)

    def _choice(self, node: nodes.CondExpr, depth: int) -> Value:
        test, yes = self._expression(node.test, depth), self._expression(node.expr1, depth)
        no = self._expression(node.expr2, depth) if node.expr2 is not None else _nothing
        return lambda context: yes(context) if test(context) else no(context)

    def _concat(self, node: nodes.Concat, depth: int) -> Value:
        return joined([self._expression(part, depth) for part in node.nodes])

    def _check(self, node: nodes.Node, depth: int) -> None:
        self._count += 1
        if depth > DEEPEST:
            raise NotAllowedError("it nests too deep", node.lineno)
        if self._count > MOST_NODES:
            raise NotAllowedError(f"it has more than {MOST_NODES} parts", node.lineno)

    def _not_allowed(self, node: nodes.Node) -> NotAllowedError:
        sign = _ARITHMETIC.get(type(node))
        if sign is None:
            word = _WORDS.get(type(node), f"{type(node).__name__.lower()} is")
            return NotAllowedError(f"{word} not allowed", first_of(node))
        # jinja2 tells where the left side begins.
        after = self._operators[bisect_left(self._operators, (node.lineno, "")) :]
        at = next((at for at, value in after if value == sign), node.lineno)
        return NotAllowedError(f"arithmetic ({sign}) is not allowed", at)

    _RULES: ClassVar[Mapping[type[nodes.Node], Callable[["Builder", Any, int], Value]]] = {
        nodes.Name: _name,
        nodes.Getattr: _path,
        nodes.Getitem: _path,
        nodes.Const: _const,
        nodes.Neg: _negative,
        nodes.List: _list,
        nodes.Dict: _dict,
        nodes.Filter: _filter,
        nodes.Test: _test,
        nodes.Compare: _compare,
        nodes.And: _and,
        nodes.Or: _or,
        nodes.Not: _not,
        nodes.CondExpr: _choice,
        nodes.Concat: _concat,
    }


def joined(parts: Sequence[Value]) -> Callable[[Context], str]:
    """The texts of the parts as one."""

    def evaluate(context: Context) -> str:
        pieces = []
        size = 0
        for part in parts:
            piece = values.text(part(context))
            size += len(piece)
            if size > LONGEST_TEXT:
                raise Unusable(f"the text grows beyond {LONGEST_TEXT} characters")
            pieces.append(piece)
        return "".join(pieces)

    return evaluate


def _inside(found: Any, key: str | int) -> Any:
    """What a step finds in a value that is no dict."""
    if isinstance(key, int):
        inside = isinstance(found, list | str) and -len(found) <= key < len(found)
        return found[key] if inside else None
    return found.get(key) if isinstance(found, Mapping) else None


def _check_call(
    node: nodes.Filter,
    function: Callable[..., Any],
    arguments: Sequence[Value],
    named: Mapping[str, Value],
) -> None:
    """Raises NotAllowedError for arguments that the filter cannot ever take."""
    try:
        inspect.signature(function).bind(None, *arguments, **named)
    except TypeError as error:
        raise NotAllowedError(f"{node.name}: {error}", node.lineno) from None
    given = [*node.args, *(one.value for one in node.kwargs)]
    if not given or not all(isinstance(one, _CONSTANTS) for one in given):
        return
    try:
        # Filters look at their arguments first, and hand null through.
        function(None, *(one({}) for one in arguments), **_each(named, {}))
    except Unusable as error:
        raise NotAllowedError(f"{node.name}: {error}", given[0].lineno) from None


def _each(named: Mapping[str, Value], context: Context) -> dict[str, Any]:
    return {name: value(context) for name, value in named.items()} if named else {}


def _nothing(_context: Context) -> None:
    return None
