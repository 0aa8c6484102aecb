"""A sample Aha! account, and what actions on its users come to."""

from typing import TYPE_CHECKING, Any

from tests.integration.actions.conftest import Desk
from tests.integration.api.caller import Answered

if TYPE_CHECKING:
    from local.vendors import Vendor
    from local.vendors.aha import Aha

PROBLEM = "urn:rollcall:problem:"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
ZED: dict[str, Any] = {
    "product_id": "WEB",
    "email": "zed@northwind.example",
    "first_name": "Zed",
    "last_name": "Zorn",
    "role": "contributor",
}


class Account:
    """The sample account of 18 users, and an integration with it that was synced once."""

    def __init__(self, desk: Desk, vendor: "Vendor[Aha]") -> None:
        self.desk = desk
        self.vendor = vendor
        self.id = desk.integrate(vendor)
        self.ids = sorted(vendor.tenant.users, key=int)
        """0 owns the key, 3 administers, 5 has a custom role, 6 has several, 7 is disabled."""
        self.products = {one.prefix: one.id for one in vendor.tenant.products.values()}
        vendor.log.clear()

    def __call__(self, method: str, path: str, body: Any = None) -> Answered:
        return self.desk.call(method, f"/v1/integrations/{self.id}/{path}", body)

    def use(self, preset: str, number: int | None, inputs: Any = (), **more: Any) -> Answered:
        whom = {"external_id": self.ids[number]} if number is not None else {}
        body = {"inputs": {**whom, **dict(inputs)}, **more}
        return self("POST", f"presets/{preset}", body)

    def user(self, number: int) -> Any:
        return self.vendor.tenant.users[self.ids[number]]

    def account(self, external_id: str) -> Any:
        return self("GET", f"accounts/{external_id}").json

    def grants(self, external_id: str) -> set[tuple[str, str, Any]]:
        path = f"/v1/integrations/{self.id}/grants"
        held = self.desk.call("GET", path, query={"account": external_id}).json["items"]
        told = (grant["entitlement"] for grant in held)
        return {(one["type"], one["id"], one["scope"]) for one in told}

    def writes(self) -> list[Any]:
        """The calls that could change something in the app."""
        return [call for call in self.vendor.log if call.method in WRITES]

    def status(self) -> str:
        return str(self.desk.call("GET", f"/v1/integrations/{self.id}").json["status"])

    def unchanged(self) -> None:
        self.desk.unchanged(self.id)
