"""AWS clients that may do what a role of the template may, as AWS would have it. The local AWS lets
everybody do everything, so a right that is missing would show in the cloud and nowhere else.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from local.furnish import TEMPLATE
from local.translate import read_template
from rollcall.aws import Aws

_OF_ITEM = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_ENFORCED = {"dynamodb": "dynamodb", "secretsmanager": "secretsmanager", "stepfunctions": "states"}
"""What policies call the services that are enforced."""


class RoleAws(Aws):
    """The clients of a function with that role; what it may not do is refused."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self._session.events.register("before-parameter-build", self._check)

    def _check(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        service = _ENFORCED.get(model.service_model.service_name)
        if service is None:
            return
        for action, resource in _wanted(service, model.name, params):
            allowed = rights(self._role).get((service, action), frozenset())
            if not any(re.fullmatch(pattern, resource) for pattern in allowed):
                message = f"{self._role} is not authorized to perform {service}:{action}"
                error = {"Code": "AccessDeniedException", "Message": f"{message} on {resource}"}
                raise ClientError({"Error": error}, model.name)


def _wanted(service: str, name: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The rights that a call needs: actions, each with its resource."""
    if service == "secretsmanager":
        yield name, params.get("SecretId") or params["Name"]
    elif service == "states":
        # A token has no resource of its own.
        yield name, params.get("stateMachineArn") or params.get("executionArn") or "*"
    elif name == "TransactWriteItems":
        for one in params["TransactItems"]:
            for kind, item in one.items():
                yield _OF_ITEM[kind], _table(item["TableName"])
    elif "RequestItems" in params:
        for table in params["RequestItems"]:
            yield name, _table(table)
    else:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield name, _table(params["TableName"]) + index


def _table(name: str) -> str:
    """A table of the template by its name there."""
    return name.rpartition("-")[2]


@cache
def rights(role: str) -> Mapping[tuple[str, str], frozenset[str]]:
    """What the role may do: by service and action the patterns of resources."""
    found: dict[tuple[str, str], set[str]] = {}
    (policy,) = read_template(TEMPLATE)["Resources"][role]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        for action in _listed(statement["Action"]):
            service, _, name = action.partition(":")
            patterns = {_pattern(one) for one in _listed(statement["Resource"])}
            found.setdefault((service, name), set()).update(patterns)
    return {right: frozenset(patterns) for right, patterns in found.items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _pattern(resource: str | dict[str, Any]) -> str:
    """`ConfigTable`, `DirectoryTable/index/gsi1`, `rollcall/…/credentials/…`."""
    if not isinstance(resource, dict):
        return re.escape(resource)
    ((kind, value),) = resource.items()
    if kind != "Fn::Sub":
        return re.escape(str(value[0] if isinstance(value, list) else value))
    name = str(value).rpartition(":secret:")[2].replace(".Arn}", "}")
    name = re.sub(r"\$\{(\w+Table)\}", r"\1", name)
    return ".*".join(map(re.escape, re.split(r"\$\{[\w:]+\}|\*", name)))
