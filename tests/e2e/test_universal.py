"""An app that no file of Rollcall mentions, connected and synced over the HTTP API alone."""

from tests.e2e.conftest import Api
from tests.e2e.nameless import Nameless, served

COUNT = 23


def test_an_unknown_app_is_added_synced_changed_and_deleted(api: Api) -> None:
    app = Nameless(COUNT)
    manifest = app.manifest()
    with served(app) as url:
        broken = manifest | {"users": manifest["users"] | {"id": ""}}
        refused = api.call("POST", "/connectors", 422, json=broken)
        assert "users.id" in {error["field"] for error in refused["errors"]}
        api.call("POST", "/connectors", 201, json=manifest)
        api.call("POST", "/connectors", 409, json=manifest)
        key = manifest["key"]
        assert key in {one["key"] for one in api.all("/connectors")}
        credential = api.call(
            "POST",
            "/credentials",
            201,
            json={"name": "key", "connector": key, "auth": {"value": app.key}},
        )["id"]
        integration = api.call(
            "POST",
            "/integrations",
            201,
            json={
                "name": "Nameless",
                "connector": key,
                "base_url": url,
                "credential_id": credential,
            },
        )["id"]
        tested = api.call("POST", f"/integrations/{integration}/test", 200)
        assert tested["ok"], tested
        assert tested["identity"] == "boss@example.test"
        assert f"{app.word['desk']}.{app.word['title']}" in {
            one["path"] for one in tested["schema"]
        }
        api.call("POST", f"/integrations/{integration}/launch", 200)

        run = api.run(integration)
        assert run["status"] == "succeeded", run
        assert run["counts"]["added"] == COUNT
        accounts = {
            one["external_id"]: one for one in api.all(f"/integrations/{integration}/accounts")
        }
        assert len(accounts) == COUNT
        assert accounts["1004"]["status"] == "inactive"
        found = api.call("GET", "/people", 200, params={"email": app.email(7)})["items"]
        assert [(one["title"], one["display_name"]) for one in found] == [("Desk 7", "Person 7")]
        grants = api.all(f"/integrations/{integration}/grants")
        assert len(grants) == COUNT

        made = api.call(
            "POST", f"/integrations/{integration}/users", 201, json={"email": app.email(COUNT)}
        )
        assert (made["external_id"], made["roster"]) == ("1023", "updated")
        path = f"/integrations/{integration}/presets/switch_off"
        done = api.call("POST", path, 200, json={"inputs": {"external_id": "1007"}})
        assert done["outcome"] == "done"
        off = api.call("GET", f"/integrations/{integration}/accounts/1007", 200)
        assert (off["status"], app.off) == ("inactive", {"1007"})
        api.call("DELETE", f"/integrations/{integration}/users/1007", 404)

        again = api.run(integration)
        assert (again["counts"]["unchanged"], again["counts"]["updated"]) == (COUNT + 1, 0)

        del app.people["1007"]
        gone = api.run(integration)
        assert (gone["status"], gone["counts"]["removed"]) == ("succeeded", 1)

        manifest["mapping"][2] = {"target": "department", "source": "title"}
        assert api.call("PUT", f"/connectors/{key}", 200, json=manifest)["version"] == 2
        assert api.run(integration)["counts"]["updated"] == COUNT
        found = api.call("GET", "/people", 200, params={"email": app.email(8)})["items"]
        assert [one["department"] for one in found] == ["Desk 8"]

        api.call("DELETE", f"/connectors/{key}", 409)
        api.call("DELETE", f"/integrations/{integration}?accounts=delete", 204)
        api.call("DELETE", f"/credentials/{credential}", 204)
        api.call("DELETE", f"/connectors/{key}", 204)
        api.call("GET", f"/connectors/{key}", 404)
