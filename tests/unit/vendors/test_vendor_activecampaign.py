"""ActiveCampaign's answers, as recorded and documented by the vendor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from typing import TypeAlias

    import httpx

    from local.vendors import ActiveCampaign, Vendor

    Served: TypeAlias = tuple[Vendor[ActiveCampaign], httpx.Client]

NEW = {"username": "jdoe", "email": "jdoe@example.test", "group": 4, "password": "long enough"}


def ids(answer: httpx.Response) -> list[str]:
    return [user["id"] for user in answer.json()["users"]]


def new(**changes: object) -> dict[str, Any]:
    return {"user": {**NEW, "firstName": "John", "lastName": "Doe", **changes}}


def test_users_are_listed_twenty_at_a_time_by_ascending_id(campaign: Served) -> None:
    _, client = campaign
    assert ids(client.get("/users")) == [str(number) for number in range(1, 21)]
    last = client.get("/users", params={"limit": 20, "offset": 40})
    assert ids(last) == ["41", "42", "43", "44", "45"]
    assert last.json()["meta"] == {"total": "45"}
    assert client.get("/users/?limit=500&offset=45").json() == {
        "users": [],
        "meta": {"total": "45"},
    }


def test_a_limit_over_a_hundred_counts_as_a_hundred(campaign: Served) -> None:
    vendor, client = campaign
    for number in range(46, 131):
        vendor.tenant.put_user({"id": str(number)})
    assert len(ids(client.get("/users?limit=500"))) == 100


def test_a_user_has_the_recorded_fields_in_order(campaign: Served) -> None:
    _, client = campaign
    user = client.get("/users/2").json()["user"]
    assert list(user) == [
        "username",
        "firstName",
        "lastName",
        "email",
        "phone",
        "signature",
        "localZoneid",
        "password_updated_utc_timestamp",
        "cdate",
        "udate",
        "mfaEnabled",
        "links",
        "id",
    ]
    assert len(user["links"]) == 8
    assert user["id"] == "2"
    assert user["mfaEnabled"] == "0"


def test_the_owner_has_null_dates_and_a_zero_password_time(campaign: Served) -> None:
    _, client = campaign
    owner = client.get("/users/me").json()["user"]
    assert (owner["id"], owner["username"], owner["signature"]) == ("1", "admin", "")
    assert (owner["cdate"], owner["udate"]) == (None, None)
    assert owner["password_updated_utc_timestamp"] == "0000-00-00 00:00:00"


def test_slashes_are_escaped_and_the_content_type_names_no_charset(campaign: Served) -> None:
    _, client = campaign
    answer = client.get("/users")
    assert answer.headers["content-type"] == "application/json"
    assert b"https:\\/\\/" in answer.content
    assert b"://" not in answer.content


def test_a_user_is_found_by_name_and_by_mail_with_a_raw_at(campaign: Served) -> None:
    vendor, client = campaign
    user = vendor.tenant.users["7"]
    assert client.get(f"/users/email/{user.email}").json()["user"]["id"] == "7"
    assert client.get(f"/users/username/{user.username}").json()["user"]["id"] == "7"
    assert client.get("/users/email/nobody@example.test").status_code == 404


def test_an_unknown_or_empty_id_gives_no_result(campaign: Served) -> None:
    _, client = campaign
    unknown = client.get("/users/999")
    assert unknown.status_code == 404
    assert unknown.json() == {"message": "No Result found for User with id 999"}
    empty = client.delete("/users/")
    assert empty.status_code == 404
    assert empty.json() == {"message": "No Result found for User with id 0"}


def test_a_created_user_comes_back_short_with_201(campaign: Served) -> None:
    vendor, client = campaign
    answer = client.post("/users", json=new())
    assert answer.status_code == 201
    assert list(answer.json()["user"]) == (
        [
            "username",
            "firstName",
            "lastName",
            "email",
            "localZoneid",
            "cdate",
            "udate",
            "links",
            "id",
        ]
    )
    assert vendor.tenant.users["46"].group == "4"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"email": ""}, "field_missing", "email"),
        ({"username": "ADMIN"}, "duplicate", "username"),
        ({"group": 99}, "related_missing", "group"),
    ],
)
def test_a_user_that_cannot_be_made_is_refused_with_422(
    campaign: Served, change: dict[str, Any], code: str, field: str
) -> None:
    _, client = campaign
    answer = client.post("/users", json=new(**change))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["code"], error["source"]["pointer"]) == (code, f"/data/attributes/{field}")


def test_a_body_that_is_not_what_was_asked_is_400(campaign: Served) -> None:
    _, client = campaign
    assert client.post("/users", content=b"nonsense").status_code == 400
    assert client.put("/users/5", json={"contact": {}}).json() == {}


def test_moving_a_user_answers_the_row_id_where_a_group_id_is_expected(campaign: Served) -> None:
    _, client = campaign
    answer = client.put("/users/5", json={"user": {"group": 6}}).json()
    assert answer["user"]["userGroup"] == "5"
    assert answer["userGroups"][0]["groupid"] == "6"
    assert answer["userGroups"][0]["id"] == "5"
    row = client.get("/users/5/userGroup").json()["userGroup"]
    assert (row["group"], row["user"]) == ("6", "5")


def test_a_new_username_is_echoed_or_ignored(campaign: Served) -> None:
    vendor, client = campaign
    body = {"user": {"username": "renamed"}}
    assert client.put("/users/5", json=body).json()["user"]["username"] == "renamed"
    vendor.switches.username_change = "ignored"
    body = {"user": {"username": "again"}}
    assert client.put("/users/5", json=body).json()["user"]["username"] == "renamed"


def test_a_deleted_user_is_gone_and_the_owner_stays(campaign: Served) -> None:
    vendor, client = campaign
    assert client.delete("/users/5").content == b"{}"
    assert client.delete("/users/5").status_code == 404
    assert "5" not in vendor.tenant.users
    assert client.delete("/users/1").json() == {"message": "Forbidden"}
    assert client.put("/users/1", json={"user": {"group": "4"}}).status_code == 403


def test_an_id_is_not_used_twice(campaign: Served) -> None:
    _, client = campaign
    client.delete("/users/45")
    assert client.post("/users", json=new()).json()["user"]["id"] == "46"


def test_a_group_has_eighty_one_fields_and_p_admin_everywhere(campaign: Served) -> None:
    _, client = campaign
    groups = client.get("/groups/?limit=100").json()
    assert groups["meta"] == {"total": "4"}
    admin, other = groups["groups"][:2]
    assert (admin["id"], admin["title"], admin["pg_user_add"]) == ("3", "Admin", "1")
    assert len(admin) == len(other) == 81
    assert (admin["p_admin"], other["p_admin"], other["pg_user_add"]) == ("1", "1", "0")


def test_groups_are_made_changed_and_deleted(campaign: Served) -> None:
    _, client = campaign
    made = client.post("/groups", json={"group": {"title": "New", "pg_user_add": True}})
    assert made.status_code == 201
    assert list(made.json()["group"]) == ["title", "descript", "p_admin", "links", "id"]
    assert made.json()["group"]["p_admin"] == 1
    number = made.json()["group"]["id"]
    assert client.get(f"/groups/{number}").json()["group"]["sdate"] is None
    changed = client.put(f"/groups/{number}", json={"group": {"pgTagManage": 1}}).json()["group"]
    assert (changed["pgTagManage"], changed["pg_user_add"]) == ("1", "1")
    assert changed["sdate"] is not None
    assert client.delete(f"/groups/{number}").json() == {}
    assert client.delete("/groups/3").status_code == 403


def test_members_of_a_deleted_group_are_in_none(campaign: Served) -> None:
    vendor, client = campaign
    member = vendor.tenant.users.first("group:5")
    assert member is not None
    client.delete("/groups/5")
    answer = client.get(f"/users/{member.id}/userGroup")
    assert answer.json()["message"].startswith("No Result found")


def test_members_follow_the_users_table(campaign: Served) -> None:
    vendor, client = campaign
    users = vendor.tenant.users
    total = int(client.get("/groups/4/userGroups").json()["meta"]["total"])
    member = users.first("group:4")
    assert member is not None
    users[member.id] = replace(member, group="5")
    rows = client.get("/groups/4/userGroups?limit=100").json()["userGroups"]
    assert len(rows) == total - 1
    assert member.id not in [row["user"] for row in rows]


def test_a_wrong_key_gets_an_empty_403_without_a_content_type(campaign: Served) -> None:
    vendor, client = campaign
    wrong = client.get("/users", headers={"Api-Token": "wrong"})
    vendor.switches.token_valid = False
    revoked = client.get("/users/me")
    for answer in (wrong, revoked):
        assert (answer.status_code, answer.content) == (403, b"")
        assert "content-type" not in answer.headers


def test_other_shapes_can_be_switched_on(campaign: Served) -> None:
    vendor, client = campaign
    switches = vendor.switches
    switches.user_fields = "documented"
    user = client.get("/users").json()["users"][1]
    assert len(user["links"]) == 5
    assert "cdate" not in user
    switches.user_fields = "lang"
    assert client.get("/users").json()["users"][1]["lang"] == "english"
    switches.ids_as_ints = True
    assert client.get("/users").json()["users"][1]["id"] == 2
    assert client.get("/groups").json()["groups"][0]["id"] == 3
    switches.not_found_status = 403
    assert client.get("/groups/77").status_code == 403


def test_membership_can_be_refused_unpaged_or_without_a_total(campaign: Served) -> None:
    vendor, client = campaign
    assert len(client.get("/groups/4/userGroups?limit=3").json()["userGroups"]) == 3
    vendor.switches.group_members_paging = False
    vendor.switches.group_members_total = False
    answer = client.get("/groups/4/userGroups?limit=3").json()
    assert len(answer["userGroups"]) > 3
    assert "meta" not in answer
    vendor.switches.group_members_refused = True
    assert client.get("/groups/4/userGroups").json() == {"message": "Forbidden"}


def test_a_key_may_be_kept_from_users_but_not_from_itself(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.users_refused = True
    refused = client.get("/users")
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    assert client.get("/users/me").status_code == 200


def test_every_answer_tells_the_rate_limit_and_a_refusal_how_long(campaign: Served) -> None:
    vendor, client = campaign
    vendor.switches.rate_limit = (2, 30)
    first = client.get("/users/me")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    client.get("/users/me")
    over = client.get("/users/me")
    assert over.status_code == 429
    assert int(over.headers["retry-after"]) in {29, 30}
    vendor.switches.rate_limit_status = 503
    vendor.switches.retry_after = ""
    over = client.get("/users/me")
    assert over.status_code == 503
    assert "retry-after" not in over.headers
