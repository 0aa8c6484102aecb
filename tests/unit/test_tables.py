"""DynamoDB as the stores use it: what is sent, what is sent again, and what is refused."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st
from moto import mock_aws

from rollcall import tables
from rollcall.aws import Aws
from rollcall.items import from_item, to_item
from rollcall.tables import (
    ABSENT,
    BATCH_GET,
    BATCH_WRITE,
    PRESENT,
    TRANSACTION,
    Refused,
    Table,
    equals,
    one_of,
    transact,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e120, 1e120).filter(lambda x: x == 0 or abs(x) > 1e-100)
    | st.text()
    | st.binary(min_size=1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class Cancelled(Exception):  # noqa: N818
    def __init__(self, *codes: str | None) -> None:
        super().__init__(codes)
        self.response = {"CancellationReasons": [{"Code": code} for code in codes]}


class Fake:
    """A client that answers what it was given, in order, and keeps what it was asked."""

    class exceptions:  # noqa: N801
        TransactionCanceledException = Cancelled

    def __init__(self, *answers: Any) -> None:
        self._answers = iter(answers)
        self.asked: list[dict[str, Any]] = []

    def _answer(self, **request: Any) -> Any:
        self.asked.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    batch_get_item = batch_write_item = transact_write_items = query = _answer


def read(*ids: str, unread: tuple[str, ...] = ()) -> dict[str, Any]:
    keys = [to_item({"pk": "P", "sk": one}) for one in unread]
    return {
        "Responses": {"t": [to_item({"pk": "P", "sk": one, "n": 1}) for one in ids]},
        "UnprocessedKeys": {"t": {"Keys": keys}} if unread else {},
    }


def put(number: int) -> dict[str, Any]:
    return {"PutRequest": {"Item": to_item({"pk": "P", "sk": str(number)})}}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = Aws().dynamodb
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        yield Table(client, "t")


@pytest.mark.parametrize("count", [0, TRANSACTION + 1])
def test_a_transaction_of_nothing_or_of_too_much_is_refused_before_it_is_sent(count: int) -> None:
    client = Fake()
    with pytest.raises(ValueError, match=f"not {count}"):
        transact(client, [Table(client, "t").putting({"pk": "P", "sk": "1"})] * count)
    assert client.asked == []


def test_a_transaction_whose_condition_fails_names_the_places() -> None:
    client = Fake(Cancelled("None", "ConditionalCheckFailed", None))
    action = Table(client, "t").putting({"pk": "P", "sk": "1"})
    assert transact(client, [action] * 3) == Refused({1: "ConditionalCheckFailed"})


def test_a_tables_own_transaction_is_the_same() -> None:
    client = Fake(Cancelled("ConditionalCheckFailed"), {})
    table = Table(client, "t")
    action = table.putting({"pk": "P", "sk": "1"})
    assert table.transact([action]) == Refused({0: "ConditionalCheckFailed"})
    assert table.transact([action]) is None


def test_an_id_for_something_new_is_never_the_same_twice() -> None:
    table = Table(Fake(), "t")
    assert len({table.new_id("seed") for _ in range(100)}) == 100


def test_a_transaction_in_conflict_is_tried_again_until_it_is_stored() -> None:
    client = Fake(Cancelled("TransactionConflict", "None"), Cancelled("TransactionConflict"), {})
    assert transact(client, [Table(client, "t").putting({"pk": "P", "sk": "1"})]) is None
    assert len(client.asked) == 3


def test_a_transaction_that_fails_for_another_reason_raises() -> None:
    client = Fake(Cancelled("TransactionConflict", "ValidationError"))
    with pytest.raises(Cancelled):
        transact(client, [Table(client, "t").putting({"pk": "P", "sk": "1"})])


def test_a_conflict_and_a_condition_together_are_a_refusal() -> None:
    client = Fake(Cancelled("TransactionConflict", "ConditionalCheckFailed"))
    refused = transact(client, [Table(client, "t").putting({"pk": "P", "sk": "1"})])
    assert refused == Refused({0: "TransactionConflict", 1: "ConditionalCheckFailed"})


def test_keys_that_were_not_read_are_asked_for_again() -> None:
    client = Fake(read("1", unread=("2", "3")), read("3", unread=("2",)), read("2"))
    found = Table(client, "t").get_many([("P", "1"), ("P", "2"), ("P", "3"), ("P", "4")])
    assert set(found) == {("P", "1"), ("P", "2"), ("P", "3")}
    sent = [len(request["RequestItems"]["t"]["Keys"]) for request in client.asked]
    assert sent == [4, 2, 1]


def test_keys_are_read_a_hundred_at_a_time_each_once() -> None:
    client = Fake(read(), read())
    keys = [("P", str(number)) for number in range(BATCH_GET + 1)]
    assert Table(client, "t").get_many([*keys, *keys]) == {}
    sent = [len(request["RequestItems"]["t"]["Keys"]) for request in client.asked]
    assert sent == [BATCH_GET, 1]
    assert all(request["RequestItems"]["t"]["ConsistentRead"] for request in client.asked)


def test_nothing_to_read_and_nothing_to_write_ask_nothing() -> None:
    client = Fake()
    assert Table(client, "t").get_many([]) == {}
    Table(client, "t").write_many([])
    assert client.asked == []


def test_items_that_were_not_taken_are_sent_again() -> None:
    client = Fake({"UnprocessedItems": {"t": [put(1)]}}, {"UnprocessedItems": {}})
    Table(client, "t").write_many([{"pk": "P", "sk": "0"}, {"pk": "P", "sk": "1"}])
    assert client.asked[1]["RequestItems"]["t"] == [put(1)]


def test_a_table_that_never_takes_an_item_is_an_error_in_the_end() -> None:
    with pytest.raises(RuntimeError, match="overloaded: 1 items of t unwritten after 8 tries"):
        tables._back_off(7, "1 items of t unwritten")


def test_items_are_written_25_at_a_time_and_one_named_twice_is_sent_once() -> None:
    client = Fake({}, {})
    items = [{"pk": "P", "sk": str(number)} for number in range(BATCH_WRITE + 1)]
    Table(client, "t").write_many([{"pk": "P", "sk": "0", "old": True}, *items])
    sent = [request["RequestItems"]["t"] for request in client.asked]
    assert [len(requests) for requests in sent] == [BATCH_WRITE, 1]
    assert sent[0][0] == put(0)


def test_an_item_put_and_deleted_at_once_is_deleted() -> None:
    client = Fake({})
    Table(client, "t").write_many([{"pk": "P", "sk": "0"}], [("P", "0")])
    (request,) = client.asked[0]["RequestItems"]["t"]
    assert "DeleteRequest" in request


def test_a_query_goes_on_to_the_end() -> None:
    last = to_item({"pk": "P", "sk": "1"})
    client = Fake(
        {"Items": [last], "LastEvaluatedKey": last},
        {"Items": [], "LastEvaluatedKey": last},
        {"Items": [to_item({"pk": "P", "sk": "2"})]},
    )
    assert [item["sk"] for item in Table(client, "t").query("P")] == ["1", "2"]
    assert len(client.asked) == 3


@example({"n": 6.280799626675117e16, "m": 1e100})
@example({"large": 3.602879701896397e16})
@example({"largest": 9e37, "smallest": -9e37})
@given(st.dictionaries(st.text(), VALUES))
def test_a_value_comes_back_as_it_was(values: dict[str, Any]) -> None:
    assert from_item(to_item(values)) == values


def test_a_number_comes_back_as_a_plain_number() -> None:
    large = {"a": 1.2345678901234567e37, "b": -1e23, "c": 1e100}
    assert from_item(to_item(large)) == large
    back = from_item(to_item({"share": 0.2, "count": 5, "whole": 5.0, "big": 6776757454431877834}))
    assert back == {"share": 0.2, "count": 5, "whole": 5, "big": 6776757454431877834}
    assert not any(isinstance(value, Decimal) for value in back.values())


def test_a_write_whose_condition_fails_is_false_and_stores_nothing(table: Table) -> None:
    assert table.put({"pk": "P", "sk": "1", "n": 1}, ABSENT)
    assert not table.put({"pk": "P", "sk": "1", "n": 2}, ABSENT)
    assert not table.put({"pk": "P", "sk": "2", "n": 2}, PRESENT)
    assert not table.update("P", "1", {"n": 3}, equals("n", 2))
    assert not table.update("P", "1", {"n": 3}, PRESENT & one_of("n", (2, 3)))
    assert not table.delete("P", "1", equals("n", 2))
    assert table.get("P", "1") == {"pk": "P", "sk": "1", "n": 1}
    assert table.get("P", "2") is None


def test_a_condition_and_a_change_of_the_same_attribute_do_not_meet(table: Table) -> None:
    table.put({"pk": "P", "sk": "1", "status": "held", "name": "old"})
    held = PRESENT & equals("status", "held")
    assert table.update("P", "1", {"status": "cancelled", "name": None, "size": 0}, held)
    assert table.get("P", "1") == {"pk": "P", "sk": "1", "status": "cancelled", "size": 0}
    assert table.update("P", "1", {"size": None}, one_of("status", ("held", "cancelled")))
    assert table.get("P", "1") == {"pk": "P", "sk": "1", "status": "cancelled"}
    assert table.delete("P", "1", equals("status", "cancelled"))


def test_an_error_that_is_no_condition_raises(table: Table) -> None:
    with pytest.raises(ClientError):
        table.put({"pk": "P"})


def test_a_transaction_stores_all_or_nothing(table: Table) -> None:
    table.put({"pk": "P", "sk": "lock"})
    actions = [
        table.putting({"pk": "P", "sk": "1"}),
        table.checking("P", "lock", ABSENT),
        table.updating("P", "2", {"n": 1}),
        table.deleting("P", "3"),
    ]
    table.put({"pk": "P", "sk": "3"})
    assert transact(table.client, actions) == Refused({1: "ConditionalCheckFailed"})
    assert [item["sk"] for item in table.query("P")] == ["3", "lock"]
    assert transact(table.client, [actions[0], *actions[2:]]) is None
    assert [item["sk"] for item in table.query("P")] == ["1", "2", "lock"]


def test_only_the_attributes_asked_for_come_back(table: Table) -> None:
    table.write_many({"pk": "P", "sk": f"A#{n}", "status": "held", "name": "x"} for n in range(3))
    assert list(table.query("P", "A#", attributes=("status",))) == [{"status": "held"}] * 3
    found = table.get_many([("P", "A#1")], ("name",))
    assert found == {("P", "A#1"): {"pk": "P", "sk": "A#1", "name": "x"}}


def test_a_page_is_never_short_before_the_end(table: Table) -> None:
    table.write_many(
        {"pk": "P", "sk": f"A#{n:02}", "status": "held" if n % 5 == 0 else "gone"}
        for n in range(30)
    )
    where = equals("status", "held")
    first, after = table.page("P", "A#", limit=4, where=where)
    assert [item["sk"] for item in first] == ["A#00", "A#05", "A#10", "A#15"]
    second, after = table.page("P", "A#", limit=4, where=where, after=after)
    assert [item["sk"] for item in second] == ["A#20", "A#25"]
    assert after is None
    backwards, _ = table.page("P", "A#", limit=1, where=where, backwards=True)
    assert backwards[0]["sk"] == "A#25"


def test_a_prefix_finds_only_what_begins_with_it(table: Table) -> None:
    table.write_many({"pk": "P", "sk": sk} for sk in ("GRANT#1#a", "GRANT#10#a", "GRANT#1"))
    assert [item["sk"] for item in table.query("P", "GRANT#1#")] == ["GRANT#1#a"]
