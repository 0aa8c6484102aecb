"""Where an integration's app is reached: its own URL, its subdomain, or the connector's variable.

What is checked here is the form, so that a wrong address is refused when it is typed. Where a
name leads is checked at each connection, by `connectors.client`.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from rollcall.connectors.manifest import Manifest
from rollcall.integrations.model import Integration

_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# `127.1`, `0x7f000001` and `2130706433` are addresses to a resolver, so no name may end like them.
_NUMERIC = re.compile(r"\d+|0x[0-9a-f]*")
_LONGEST_HOST = 253


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a text cannot be an address, as a sentence for the person who typed it."""

    message: str


def is_subdomain(text: str) -> bool:
    """Whether this can stand before the app's own domain, as `acme` does."""
    return _SUBDOMAIN.fullmatch(text) is not None


def origin(text: str, api_path: str, allow_hosts: Collection[str]) -> str | Unusable:
    """The origin in a pasted address, such as `https://acme.api-us1.com`.

    The API's own path is taken off. Plain http and private addresses are for `allow_hosts` only.
    """
    parts = _parts(text, allow_hosts)
    if isinstance(parts, Unusable):
        return parts
    if parts.query or parts.fragment:
        return Unusable("must not hold a query or a fragment")
    if parts.path.rstrip("/") not in ("", api_path.rstrip("/")):
        follows = f" (the API's path {api_path} may follow)" if api_path else ""
        return Unusable(f"must be the host only{follows}")
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (
        f":{parts.port}" if parts.port not in (None, usual) else ""
    )


def endpoint(text: str, allow_hosts: Collection[str]) -> str | Unusable:
    """A pasted URL that is called as it is, such as the one that gives tokens."""
    parts = _parts(text, allow_hosts)
    if isinstance(parts, Unusable):
        return parts
    url = text.strip()
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return Unusable("must be printable ASCII without spaces or a fragment")
    return url


def _parts(text: str, allow_hosts: Collection[str]) -> SplitResult | Unusable:
    """The parts of a URL whose host may be called."""
    try:
        parts = urlsplit(text.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return Unusable("is not a URL")
    if parts.scheme not in ("https", "http"):
        return Unusable("must start with https://")
    if "@" in parts.netloc:
        return Unusable("must not hold a user name or a password")
    fault = _host(host, allow_hosts)
    if fault is None and parts.scheme != "https" and host not in allow_hosts:
        fault = "must start with https://"
    if fault is None and port == 0:
        fault = "has a port that cannot be reached"
    return parts if fault is None else Unusable(fault)


def _host(host: str, allow_hosts: Collection[str]) -> str | None:
    if host in allow_hosts:
        return None
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return _name(host)
    mapped = getattr(literal, "ipv4_mapped", None)
    return None if (mapped or literal).is_global else "must not be a private address"


def _name(host: str) -> str | None:
    labels = host.split(".")
    if len(host) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        return "has no valid host name (write other scripts in their xn-- form)"
    if _NUMERIC.fullmatch(labels[-1]):
        return "has no valid host name"
    if len(labels) == 1 or labels[-1] == "localhost":
        return "must be a public host name"
    return None


def effective_origin(
    manifest: Manifest, integration: Integration, variable_value: str | None
) -> str | None:
    """The app's origin, or None where neither integration, variable nor connector says it."""
    if integration.base_url is not None:
        return integration.base_url
    subdomain = integration.subdomain or variable_value
    if subdomain is None or not manifest.address.subdomain_url:
        return manifest.address.base_url or None
    return manifest.address.subdomain_url.replace("{subdomain}", subdomain)


def resolve(manifest: Manifest, integration: Integration, variable_value: str | None) -> str | None:
    """The URL that the API's calls begin with, such as `https://acme.api-us1.com/api/3`.

    None where neither the integration nor the connector's variable says where the app is.
    """
    host = effective_origin(manifest, integration, variable_value)
    return None if host is None else host + manifest.address.path
