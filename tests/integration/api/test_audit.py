"""Every change of configuration is in the audit log: who, what, when, and never a secret."""

from typing import Any

from tests.integration.api.caller import Caller


def summary(entries: list[Any]) -> list[tuple[str, str, str]]:
    return [(one["verb"], one["object_type"], one["object_id"]) for one in entries]


def test_every_change_is_there_the_newest_first(api: Caller) -> None:
    api("PUT", "/v1/variables/V", {"value": "a"})
    api("PUT", "/v1/variables/V", {"value": "b"})
    api("DELETE", "/v1/variables/V")
    integration = api.integration()
    credential_id = integration["credential_id"]
    path = f"/v1/integrations/{integration['id']}"
    api("PATCH", path, {"name": "New"})
    api("POST", f"{path}/launch")
    api("POST", f"{path}/pause")
    api("PUT", f"/v1/credentials/{credential_id}", {"auth": {"value": "new"}})
    api("DELETE", path)
    api("DELETE", f"/v1/credentials/{credential_id}")
    entries = api.everything("/v1/audit", limit=3)
    one = ("integration", integration["id"])
    assert summary(entries) == [
        ("delete", "credential", credential_id),
        ("delete", *one),
        ("rotate", "credential", credential_id),
        ("pause", *one),
        ("launch", *one),
        ("update", *one),
        ("create", *one),
        ("create", "credential", credential_id),
        ("delete", "variable", "V"),
        ("update", "variable", "V"),
        ("create", "variable", "V"),
    ]
    assert entries[5]["changes"] == {"name": {"before": "AC", "after": "New"}}
    assert entries[4]["changes"] == {"status": {"before": "draft", "after": "active"}}
    assert entries[2]["changes"] == {}
    assert entries[9]["changes"] == {"value": {"before": "a", "after": "b"}}
    assert {entry["actor"] for entry in entries} == {"administrator"}
    assert [entry["at"] for entry in entries] == sorted(
        (entry["at"] for entry in entries), reverse=True
    )


def test_the_log_says_who(api: Caller) -> None:
    api("PUT", "/v1/variables/A", {"value": "x"}, actor="ann")
    api("PUT", "/v1/variables/B", {"value": "x"}, actor="bob")
    (entry,) = api.everything("/v1/audit", actor="bob")
    assert entry["object_id"] == "B"
    assert len(api.everything("/v1/audit", object_type="variable", limit=1)) == 2
    assert summary(api.everything("/v1/audit", object_type="variable", object_id="A")) == [
        ("create", "variable", "A")
    ]
    assert api.everything("/v1/audit", object_id="C") == []


def test_a_refused_change_leaves_no_entry(api: Caller) -> None:
    api("PUT", "/v1/variables/A", {"value": ""})
    api("POST", "/v1/integrations", {"name": "AC"})
    api("DELETE", "/v1/variables/A")
    assert api.everything("/v1/audit") == []


def test_the_log_is_read_across_months(api: Caller) -> None:
    for month in ("2026-11", "2026-12", "2027-03"):
        for day in ("01", "02"):
            moment = f"{month}-{day}T00:00:00.000Z"
            api.config.put(
                {
                    "pk": f"AUDIT#{month}",
                    "sk": f"{moment}#{day}",
                    "id": f"{month}-{day}",
                    "at": moment,
                    "actor": "ann",
                    "verb": "update",
                    "object_type": "variable",
                    "object_id": "V",
                    "changes": {},
                }
            )
    cursor_of_march = api("GET", "/v1/audit", query={"limit": "1"}).json["next_cursor"]
    assert cursor_of_march is not None or api.everything("/v1/audit")
    for limit in (1, 2, 3, 100):
        found = [one["id"] for one in api.everything("/v1/audit", limit=limit)]
        assert found[-2:] == ["2026-11-02", "2026-11-01"], limit
        assert found == sorted(found, reverse=True)
