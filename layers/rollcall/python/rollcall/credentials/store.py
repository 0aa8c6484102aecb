"""Credentials: what signs the requests of an integration.

The config table holds what may be shown (`CREDENTIAL`, id); the value is a secret named
`<prefix>credentials/<id>` and is nowhere else. Two services cannot share a transaction, so the
order makes a crash between them harmless: a secret is written before the item that names it, and
deleted after it. What is left over then is a secret that nothing names; deleting again removes it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.aws import Client
from rollcall.items import Item
from rollcall.stamps import new_id, now
from rollcall.tables import ABSENT, PRESENT, Condition, Table, equals, transact

KIND = "CREDENTIAL"
_ID = re.compile(r"[0-9a-f]{28}")

Type = Literal["api_key", "bearer", "basic", "oauth2_client_credentials"]
Send = Literal["basic", "body"]


class CredentialMissing(LookupError):  # noqa: N818 - a state, not a mistake
    """The credential or its secret is gone: only a person can give a new one."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How requests are signed, without the value.

    `param_name` and `add_to` are an API key's; what follows is of OAuth client credentials, where
    `send` says how the client's secret goes to `token_url`.
    """

    type: Type
    param_name: str | None = None
    add_to: Literal["header", "query"] | None = None
    token_url: str | None = None
    client_id: str | None = None
    scope: str | None = None
    audience: str | None = None
    send: Send | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as it may be shown."""

    id: str
    name: str
    connector: str
    type: Type
    param_name: str | None
    add_to: Literal["header", "query"] | None
    token_url: str | None
    client_id: str | None
    scope: str | None
    audience: str | None
    send: Send | None
    created_at: str
    updated_at: str

    @property
    def scheme(self) -> Scheme:
        """How it signs."""
        return Scheme(
            self.type,
            self.param_name,
            self.add_to,
            self.token_url,
            self.client_id,
            self.scope,
            self.audience,
            self.send,
        )

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Credential":
        """Read the config table's item; raises KeyError for an attribute that must be there."""
        return cls(
            id=item["id"],
            name=item["name"],
            connector=item["connector"],
            type=item["type"],
            param_name=item.get("param_name"),
            add_to=item.get("add_to"),
            token_url=item.get("token_url"),
            client_id=item.get("client_id"),
            scope=item.get("scope"),
            audience=item.get("audience"),
            send=item.get("send"),
            created_at=item["created_at"],
            updated_at=item["updated_at"],
        )


class Credentials:
    """The store. Values go in and come out of `secret` only; every change is audited."""

    def __init__(self, config: Table, secretsmanager: Client, prefix: str) -> None:
        self._config = config
        self._secretsmanager = secretsmanager
        self._prefix = prefix

    def create(
        self, name: str, connector: str, scheme: Scheme, secret: Mapping[str, str], actor: str
    ) -> Credential:
        """Keep a new credential; `secret` is as `secret` answers it."""
        moment = now()
        credential = Credential(
            id=new_id(),
            name=name,
            connector=connector,
            created_at=moment,
            updated_at=moment,
            **asdict(scheme),
        )
        self._secretsmanager.create_secret(
            Name=self._secret_name(credential.id),
            Description="A credential of Rollcall",
            SecretString=json.dumps(secret),
        )
        shown = asdict(credential)
        refused = transact(
            self._config.client,
            [
                self._config.putting({"pk": KIND, "sk": credential.id, **shown}, ABSENT),
                recording(
                    self._config, Change(actor, "create", "credential", credential.id, {}, shown)
                ),
            ],
        )
        if refused is not None:
            raise RuntimeError(f"credential {credential.id} could not be stored: {refused}")
        return credential

    def get(self, credential_id: str) -> Credential | None:
        """The credential of that id, or None."""
        item = self._config.get(KIND, credential_id)
        return Credential.from_item(item) if item is not None else None

    def page(
        self, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Credential], Item | None]:
        """Credentials in the order they were made, and the key to go on after."""
        items, last = self._config.page(KIND, limit=limit, after=after)
        return [Credential.from_item(item) for item in items], last

    def rotate(
        self,
        credential: Credential,
        name: str,
        scheme: Scheme,
        secret: Mapping[str, str],
        actor: str,
    ) -> Credential | None:
        """Replace the value and what is shown of it; None if the credential is gone meanwhile.

        After a crash in between the new value is already in use; rotating again completes it.
        """
        try:
            self._secretsmanager.put_secret_value(
                SecretId=self._secret_name(credential.id), SecretString=json.dumps(secret)
            )
        except self._secretsmanager.exceptions.ResourceNotFoundException:
            return None
        changes = {"name": name, **asdict(scheme), "updated_at": now()}
        before = {field: getattr(credential, field) for field in changes}
        refused = transact(
            self._config.client,
            [
                self._config.updating(KIND, credential.id, changes, PRESENT),
                recording(
                    self._config,
                    Change(actor, "rotate", "credential", credential.id, before, changes),
                ),
            ],
        )
        return None if refused is not None else self.get(credential.id)

    def delete(self, credential_id: str, actor: str) -> Literal["deleted", "used", "unknown"]:
        """Delete the credential and its value, unless an integration uses it.

        An integration that takes the credential up meanwhile changes `link` in its transaction,
        and the deletion is refused. "unknown" also removes the secret that a crash left behind.
        """
        item = self._config.get(KIND, credential_id)
        if item is None:
            self._forget(credential_id)
            return "unknown"
        if self.users(credential_id):
            return "used"
        shown = asdict(Credential.from_item(item))
        unlinked = (
            equals("link", item["link"])
            if "link" in item
            else Condition("attribute_exists(pk) AND attribute_not_exists(link)")
        )
        refused = transact(
            self._config.client,
            [
                self._config.deleting(KIND, credential_id, unlinked),
                recording(
                    self._config, Change(actor, "delete", "credential", credential_id, shown, {})
                ),
            ],
        )
        if refused is not None:
            return "used"
        self._forget(credential_id)
        return "deleted"

    def users(self, credential_id: str) -> list[str]:
        """The ids of the integrations that use the credential."""
        found = self._config.query(
            "INTEGRATION", where=equals("credential_id", credential_id), attributes=("id",)
        )
        return [item["id"] for item in found]

    def secret(self, credential_id: str) -> Mapping[str, str]:
        """The value as it is now: {"value"}, {"username", "password"} or {"client_secret"}.

        Raises CredentialMissing when the credential or its secret is gone.
        """
        if self._config.get(KIND, credential_id) is None:
            raise CredentialMissing(credential_id)
        return self.value(credential_id)

    def value(self, credential_id: str) -> Mapping[str, str]:
        """`secret`, for somebody who has just read the credential."""
        try:
            answer = self._secretsmanager.get_secret_value(
                SecretId=self._secret_name(credential_id)
            )
        except self._secretsmanager.exceptions.ResourceNotFoundException:
            raise CredentialMissing(credential_id) from None
        secret: dict[str, str] = json.loads(answer["SecretString"])
        return secret

    def _forget(self, credential_id: str) -> None:
        if not _ID.fullmatch(credential_id):
            return
        try:
            self._secretsmanager.delete_secret(
                SecretId=self._secret_name(credential_id), ForceDeleteWithoutRecovery=True
            )
        except self._secretsmanager.exceptions.ResourceNotFoundException:
            return

    def _secret_name(self, credential_id: str) -> str:
        return f"{self._prefix}credentials/{credential_id}"
