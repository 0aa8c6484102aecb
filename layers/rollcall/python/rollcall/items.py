"""Items of DynamoDB as plain Python values, and back: the same values come back as were stored."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

Item = dict[str, Any]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()
_MOST = 10**38
"""DynamoDB keeps 38 digits of a number."""


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of Python values as a DynamoDB item; a float is stored as a number."""
    return {name: _serializer.serialize(_storable(value)) for name, value in values.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, float):
        # The shortest text of a large one, 3.602879701896397e+16, is another whole number.
        whole = value.is_integer() and abs(value) < _MOST
        return Decimal(int(value)) if whole else Decimal(repr(value))
    if isinstance(value, Mapping):
        return {key: _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value


def from_item(item: Mapping[str, Any]) -> Item:
    """A DynamoDB item as Python values: numbers as int or float, binaries as bytes."""
    # Text is nearly everything that a run compares, and needs no deserializer.
    return {
        name: value["S"] if "S" in value else _plain(_deserializer.deserialize(value))
        for name, value in item.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) < _MOST
        return int(value) if whole else float(value)
    if isinstance(value, Binary):
        return bytes(value.value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
