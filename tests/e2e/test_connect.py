"""A connection from its key to its first trouble and back, on the deployed template."""

from urllib.parse import parse_qs

from local.vendors import serve
from local.vendors.seed import seed_activecampaign, seed_aha
from tests.e2e.conftest import Api
from tests.tokens import giving_tokens


def test_a_clients_tokens_are_kept_renewed_and_given_up_for_a_rotated_secret(api: Api) -> None:
    with (
        serve(seed_aha(30)) as vendor,
        giving_tokens(lambda token: setattr(vendor.tenant, "token", token), "s3cret") as tokens,
    ):
        auth = tokens.auth(scope="users:read")
        credential = {"name": "client", "connector": "aha", "auth": auth}
        made = api.call("POST", "/credentials", 201, json=credential)
        assert "s3cret" not in str(made)
        integration = api.connect(vendor, credential_id=made["id"])
        path = f"/integrations/{integration}"
        api.call("POST", f"{path}/launch", 200)
        for _ in range(2):
            assert api.call("POST", f"{path}/test", 200)["ok"]
        assert tokens.given == ["token-0"], "the second test signs with the first one's token"
        for _ in range(2):
            assert api.run(integration)["status"] == "succeeded"
        known = len(tokens.given)

        vendor.tenant.token = "revoked early"
        assert api.run(integration)["status"] == "succeeded"
        assert len(tokens.given) == known + 1, "a refused token is fetched anew, once"

        tokens.secret = "n3w"
        vendor.tenant.token = "revoked with the secret"
        run = api.run(integration)
        assert (run["status"], run["error"]["code"]) == ("failed", "vendor-unauthorized")
        assert "invalid_client" in run["error"]["detail"]
        assert api.call("GET", path, 200)["status"] == "needs_reconnect"
        assert not api.call("POST", f"{path}/test", 200)["ok"]
        api.call("PUT", f"/credentials/{made['id']}", 200, json={"auth": {"value": "n3w"}})
        assert api.call("GET", path, 200)["status"] == "needs_reconnect"
        assert api.call("POST", f"{path}/test", 200)["ok"]
        assert api.call("GET", path, 200)["status"] == "active"
        assert api.run(integration)["status"] == "succeeded"


def test_what_an_integration_adds_goes_with_every_call_and_its_signature_comes_first(
    api: Api,
) -> None:
    with serve(seed_activecampaign(20, 2)) as vendor:
        added = {"headers": {"X-Tenant": "acme", "api-token": "no"}, "params": {"locale": "en"}}
        integration = api.connect(vendor, **added)
        run = api.run(integration)
        assert run["status"] == "succeeded", run
        assert len(vendor.log) > 3
        assert {call.headers.get("x-tenant") for call in vendor.log} == {"acme"}
        assert {tuple(parse_qs(call.query)["locale"]) for call in vendor.log} == {("en",)}
        changed = {"headers": {}, "params": {"limit": "1"}}
        api.call("PATCH", f"/integrations/{integration}", 200, json=changed)
        vendor.log.clear()
        assert api.run(integration)["counts"]["unchanged"] == 20
        assert not any("x-tenant" in call.headers for call in vendor.log)
        users = [parse_qs(call.query) for call in vendor.log if call.path.endswith("/users")]
        assert all(query["limit"] != ["1"] for query in users), "what a call says itself stays"
