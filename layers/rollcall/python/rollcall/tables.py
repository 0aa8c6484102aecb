"""DynamoDB tables with plain Python values: what every store of Rollcall is written in.

A condition that does not hold is an expected outcome, so writes answer True or False (a
transaction: the places that refused). Everything else raises botocore's ClientError.
"""

import random
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollcall.aws import Client
from rollcall.items import Item, from_item, to_item

Action = dict[str, Any]
"""One action of a transaction, as `Table.putting`, `updating`, `deleting`, `checking` make it."""

BATCH_GET = 100
BATCH_WRITE = 25
TRANSACTION = 100
_BATCH_TRIES = 8


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition expression with its placeholders; `values` are Python values."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(
            f"({self.expression}) AND ({other.expression})",
            {**self.names, **other.names},
            {**self.values, **other.values},
        )


ABSENT = Condition("attribute_not_exists(pk)")
PRESENT = Condition("attribute_exists(pk)")


def equals(name: str, value: Any) -> Condition:
    """The attribute `name` holds exactly `value`."""
    return Condition(f"#{name} = :is_{name}", {f"#{name}": name}, {f":is_{name}": value})


def absent(name: str) -> Condition:
    """There is no attribute `name`."""
    return Condition(f"attribute_not_exists(#{name})", {f"#{name}": name})


def present(name: str) -> Condition:
    """There is an attribute `name`."""
    return Condition(f"attribute_exists(#{name})", {f"#{name}": name})


def one_of(name: str, values: Collection[Any]) -> Condition:
    """The attribute `name` holds one of `values`."""
    places = {f":any_{name}_{index}": value for index, value in enumerate(values)}
    return Condition(f"#{name} IN ({', '.join(places)})", {f"#{name}": name}, places)


def _conditional(condition: Condition | None) -> dict[str, Any]:
    return {} if condition is None else _placed("ConditionExpression", condition)


def _placed(kind: str, expression: Condition) -> dict[str, Any]:
    request: dict[str, Any] = {kind: expression.expression}
    if expression.names:
        request["ExpressionAttributeNames"] = dict(expression.names)
    if expression.values:
        request["ExpressionAttributeValues"] = to_item(expression.values)
    return request


class Table:
    """One table whose keys are `pk` and `sk`."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """The item as it is now (a consistent read), or None."""
        answer = self.client.get_item(
            TableName=self.name, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Iterable[tuple[str, str]], attributes: Sequence[str] = ()
    ) -> dict[tuple[str, str], Item]:
        """The items that exist, by (pk, sk), as they are now; `attributes` names the few wanted."""
        wanted = [to_item({"pk": pk, "sk": sk}) for pk, sk in dict.fromkeys(keys)]
        projection = {}
        if attributes:
            names = {f"#a{index}": name for index, name in enumerate(("pk", "sk", *attributes))}
            projection = {
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(wanted), BATCH_GET):
            waiting = wanted[start : start + BATCH_GET]
            for attempt in _tries():
                answer = self.client.batch_get_item(
                    RequestItems={
                        self.name: {"Keys": waiting, "ConsistentRead": True, **projection}
                    }
                )
                for raw in answer["Responses"].get(self.name, []):
                    item = from_item(raw)
                    found[item["pk"], item["sk"]] = item
                waiting = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if not waiting:
                    break
                _back_off(attempt, f"{len(waiting)} keys of {self.name} unread")
        return found

    def put(self, item: Mapping[str, Any], condition: Condition | None = None) -> bool:
        """Store the item whole; False if the condition did not hold."""
        return self._write(self.client.put_item, self.putting(item, condition)["Put"])

    def delete(self, pk: str, sk: str, condition: Condition | None = None) -> bool:
        """Delete the item if there is one; False if the condition did not hold."""
        return self._write(self.client.delete_item, self.deleting(pk, sk, condition)["Delete"])

    def update(
        self,
        pk: str,
        sk: str,
        changes: Mapping[str, Any],
        condition: Condition | None = None,
    ) -> bool:
        """Set the attributes named in `changes`, removing those that are None; see `put`."""
        return self._write(
            self.client.update_item, self.updating(pk, sk, changes, condition)["Update"]
        )

    def updated(
        self, pk: str, sk: str, changes: Mapping[str, Any], condition: Condition
    ) -> Item | None:
        """`update`, and the item as it is then; None if the condition did not hold."""
        request = self.updating(pk, sk, changes, condition)["Update"]
        try:
            answer = self.client.update_item(**request, ReturnValues="ALL_NEW")
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(answer["Attributes"])

    def _write(self, call: Any, request: Mapping[str, Any]) -> bool:
        try:
            call(**request)
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def write_many(
        self, puts: Iterable[Mapping[str, Any]], deletes: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Put and delete without conditions, 25 at a time, resending what was not taken.

        Raises RuntimeError when the table still refuses after eight tries.
        """
        # A batch that names an item twice is refused: the last one holds.
        by_key = {
            (item["pk"], item["sk"]): {"PutRequest": {"Item": to_item(item)}} for item in puts
        }
        for pk, sk in deletes:
            by_key[pk, sk] = {"DeleteRequest": {"Key": to_item({"pk": pk, "sk": sk})}}
        requests = list(by_key.values())
        for start in range(0, len(requests), BATCH_WRITE):
            waiting = requests[start : start + BATCH_WRITE]
            for attempt in _tries():
                answer = self.client.batch_write_item(RequestItems={self.name: waiting})
                waiting = answer.get("UnprocessedItems", {}).get(self.name, [])
                if not waiting:
                    break
                _back_off(attempt, f"{len(waiting)} items of {self.name} unwritten")

    def new_id(self, seed: str) -> str:  # noqa: ARG002 - a rehearsal makes it from the seed
        """An id for something new that is to be stored here; `seed` tells it from all others."""
        return uuid.uuid4().hex

    def transact(self, actions: Sequence[Action]) -> "Refused | None":
        """Store all of at most 100 actions or none, also on other tables; see `transact`."""
        return transact(self.client, actions)

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        index: str | None = None,
        attributes: Sequence[str] = (),
        where: Condition | None = None,
    ) -> Iterator[Item]:
        """Every item under `pk` whose sort key starts with `prefix`, in order, to the end."""
        request = self._query(pk, prefix, index, attributes, where)
        while True:
            answer = self.client.query(**request)
            yield from map(from_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page(
        self,
        pk: str,
        prefix: str = "",
        *,
        limit: int,
        after: Mapping[str, Any] | None = None,
        index: str | None = None,
        where: Condition | None = None,
        backwards: bool = False,
    ) -> tuple[list[Item], Item | None]:
        """Up to `limit` items (as many as there are) and the key to go on after, None at the end.

        With `where` the table is read on until `limit` items held, so a page is never short
        before the end.
        """
        request = self._query(pk, prefix, index, (), where)
        request["ScanIndexForward"] = not backwards
        if after is not None:
            request["ExclusiveStartKey"] = to_item(after)
        items: list[Item] = []
        while True:
            request["Limit"] = limit - len(items)
            answer = self.client.query(**request)
            items += map(from_item, answer["Items"])
            last = answer.get("LastEvaluatedKey")
            if last is None:
                return items, None
            if len(items) >= limit:
                return items, from_item(last)
            request["ExclusiveStartKey"] = last

    def _query(
        self,
        pk: str,
        prefix: str,
        index: str | None,
        attributes: Sequence[str],
        where: Condition | None,
    ) -> dict[str, Any]:
        hash_name, range_name = (f"{index}pk", f"{index}sk") if index else ("pk", "sk")
        names = {"#pk": hash_name}
        values: dict[str, Any] = {":pk": pk}
        request: dict[str, Any] = {"TableName": self.name, "KeyConditionExpression": "#pk = :pk"}
        if prefix:
            names["#sk"] = range_name
            values[":sk"] = prefix
            request["KeyConditionExpression"] += " AND begins_with(#sk, :sk)"
        if index:
            request["IndexName"] = index
        else:
            request["ConsistentRead"] = True
        if where is not None:
            request["FilterExpression"] = where.expression
            names |= where.names
            values |= where.values
        if attributes:
            places = {f"#a{number}": name for number, name in enumerate(attributes)}
            request["ProjectionExpression"] = ", ".join(places)
            names |= places
        return request | {
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
        }

    def putting(self, item: Mapping[str, Any], condition: Condition | None = None) -> Action:
        """A put, for a transaction."""
        return {"Put": {"TableName": self.name, "Item": to_item(item), **_conditional(condition)}}

    def deleting(self, pk: str, sk: str, condition: Condition | None = None) -> Action:
        """A delete, for a transaction."""
        return {
            "Delete": {
                "TableName": self.name,
                "Key": to_item({"pk": pk, "sk": sk}),
                **_conditional(condition),
            }
        }

    def checking(self, pk: str, sk: str, condition: Condition) -> Action:
        """A condition on an item that the transaction does not write."""
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": to_item({"pk": pk, "sk": sk}),
                **_conditional(condition),
            }
        }

    def updating(
        self,
        pk: str,
        sk: str,
        changes: Mapping[str, Any],
        condition: Condition | None = None,
    ) -> Action:
        """An update, for a transaction: sets what `changes` names, removes what is None there."""
        names = {f"#u{index}": name for index, name in enumerate(changes)}
        place = {name: key for key, name in names.items()}
        kept = {name: value for name, value in changes.items() if value is not None}
        gone = [place[name] for name, value in changes.items() if value is None]
        values = {f":{place[name][1:]}": value for name, value in kept.items()}
        sets = ", ".join(f"{place[name]} = :{place[name][1:]}" for name in kept)
        expression = (f"SET {sets} " if sets else "") + (
            f"REMOVE {', '.join(gone)}" if gone else ""
        )
        whole = condition or Condition("")
        request = _placed(
            "UpdateExpression",
            Condition(expression.strip(), {**names, **whole.names}, {**values, **whole.values}),
        )
        if condition is not None:
            request["ConditionExpression"] = condition.expression
        return {"Update": {"TableName": self.name, "Key": to_item({"pk": pk, "sk": sk}), **request}}


@dataclass(frozen=True, slots=True)
class Refused:
    """A transaction that stored nothing: the places of the actions that refused, and why.

    `reasons` maps an action's place to "ConditionalCheckFailed" or "TransactionConflict".
    """

    reasons: Mapping[int, str]


def transact(client: Client, actions: Sequence[Action]) -> Refused | None:
    """Store all of at most 100 actions or none; None when they are stored.

    Raises RuntimeError when other transactions are at the same items for seconds on end, and
    ClientError for every reason but a condition.
    """
    if not 0 < len(actions) <= TRANSACTION:
        raise ValueError(f"a transaction takes 1 to {TRANSACTION} actions, not {len(actions)}")
    for attempt in range(_BATCH_TRIES):
        try:
            client.transact_write_items(TransactItems=list(actions))
        except client.exceptions.TransactionCanceledException as error:
            codes = [reason.get("Code") for reason in error.response["CancellationReasons"]]
            reasons = {
                place: code for place, code in enumerate(codes) if code not in (None, "None")
            }
            if "ConditionalCheckFailed" in reasons.values():
                return Refused(reasons)
            if set(reasons.values()) != {"TransactionConflict"}:
                raise
            time.sleep(_pause(attempt))
        else:
            return None
    raise RuntimeError(f"other transactions are at the same items after {_BATCH_TRIES} tries")


def _tries() -> range:
    return range(_BATCH_TRIES)


def _back_off(attempt: int, what: str) -> None:
    if attempt == _BATCH_TRIES - 1:
        raise RuntimeError(f"DynamoDB is overloaded: {what} after {_BATCH_TRIES} tries")
    time.sleep(_pause(attempt))


def _pause(attempt: int) -> float:
    """Seconds, doubling from 50 ms, with full jitter so that rivals do not meet again."""
    return random.uniform(0, 0.05 * 2**attempt)  # noqa: S311 - not a secret
