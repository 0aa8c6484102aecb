"""Sample servers of the apps Rollcall connects to, for the demo, the tests and the bench."""

from local.vendors.activecampaign import ActiveCampaign
from local.vendors.aha import Aha
from local.vendors.server import Request, Vendor, serve
from local.vendors.switches import Change, Fault, Switches

__all__ = [
    "ActiveCampaign",
    "Aha",
    "Change",
    "Fault",
    "Request",
    "Switches",
    "Vendor",
    "serve",
]
