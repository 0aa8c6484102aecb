"""Workflows in the config table, with every version of their documents. Every change is audited.

| item       | pk            | sk             |
|------------|---------------|----------------|
| workflow   | WORKFLOW      | id             |
| a version  | WORKFLOW#id   | VERSION#number |
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from rollcall.access.audit import Change, recording
from rollcall.items import Item
from rollcall.stamps import new_id, now
from rollcall.tables import ABSENT, Action, Table, equals, transact

Status = Literal["draft", "validated", "active", "paused"]
Trigger = Literal["event", "schedule", "call", "hand"]
Matching = Literal["start", "skip"]
KIND = "WORKFLOW"


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow as it is now.

    `version` is the latest; `validated_version` the latest that has a state machine, and
    `active_version` the one that is started, or was until it was paused. `events` are what it
    begins with where its trigger is an event. `machine_arn`: its state machine. `matching` is the
    choice about who matched at its activation, until the starter has done as it says.
    `active_since`: since when it is active by a trigger of this kind, in whatever versions.
    """

    id: str
    name: str
    status: Status
    version: int
    trigger: Trigger
    created_at: str
    updated_at: str
    created_by: str
    validated_version: int | None = None
    active_version: int | None = None
    machine_arn: str | None = None
    events: tuple[str, ...] = ()
    matching: Matching | None = None
    active_since: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Workflow":
        """Read the table's item; a TypeError names an attribute that is missing."""
        known = {one.name for one in fields(cls)}
        found = {name: value for name, value in item.items() if name in known}
        return cls(**{**found, "events": tuple(item.get("events", ()))})


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a workflow's document; `machine_arn` is its state machine's version."""

    workflow_id: str
    number: int
    document: Mapping[str, Any]
    created_at: str
    created_by: str
    machine_arn: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Version":
        """Read the table's item; a TypeError names an attribute that is missing."""
        known = {one.name for one in fields(cls)}
        found = {name: value for name, value in item.items() if name in known}
        return cls(**{**found, "document": json.loads(item["document"])})


class Workflows:
    """The store of workflows. A False or None says that somebody else changed it meanwhile."""

    def __init__(self, config: Table) -> None:
        self._config = config

    def get(self, workflow_id: str) -> Workflow | None:
        """The workflow of that id, or None."""
        item = self._config.get(KIND, workflow_id)
        return Workflow.from_item(item) if item is not None else None

    def everything(self) -> list[Workflow]:
        """All of them, in the order they were made."""
        return [Workflow.from_item(item) for item in self._config.query(KIND)]

    def page(
        self, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Workflow], Item | None]:
        """Workflows in the order they were made, and the key to go on after."""
        items, last = self._config.page(KIND, limit=limit, after=after)
        return [Workflow.from_item(item) for item in items], last

    def version(self, workflow_id: str, number: int) -> Version | None:
        """That version of a workflow, or None."""
        item = self._config.get(_versions(workflow_id), _version(number))
        return Version.from_item(item) if item is not None else None

    def documents(self) -> dict[str, Mapping[str, Any]]:
        """The latest document of every workflow, by the workflow's id."""
        places = {(_versions(one.id), _version(one.version)): one.id for one in self.everything()}
        found = self._config.get_many(places, ("document",))
        return {places[place]: json.loads(item["document"]) for place, item in found.items()}

    def versions(
        self, workflow_id: str, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Version], Item | None]:
        """Its versions, the newest first, and the key to go on after."""
        items, last = self._config.page(
            _versions(workflow_id), limit=limit, after=after, backwards=True
        )
        return [Version.from_item(item) for item in items], last

    def create(self, document: Mapping[str, Any], actor: str) -> Workflow:
        """Keep a new document, as a draft."""
        moment = now()
        workflow = Workflow(
            id=new_id(),
            name=document["name"],
            status="draft",
            version=1,
            trigger=document["begin"]["trigger"],
            created_at=moment,
            updated_at=moment,
            created_by=actor,
        )
        version = Version(workflow.id, 1, document, moment, actor)
        writes = [
            self._config.putting(_item(workflow), ABSENT),
            self._config.putting(_version_item(version), ABSENT),
            self._audited(actor, "create", None, workflow),
        ]
        if transact(self._config.client, writes) is not None:
            raise RuntimeError(f"there is a workflow {workflow.id} already")
        return workflow

    def save(self, before: Workflow, document: Mapping[str, Any], actor: str) -> Workflow | None:
        """Keep the next version. One that is active goes on in its version."""
        goes_on = before.status in ("active", "paused")
        after = replace(
            before,
            name=document["name"],
            trigger=before.trigger if goes_on else document["begin"]["trigger"],
            status=before.status if goes_on else "draft",
            version=before.version + 1,
            updated_at=now(),
        )
        version = Version(before.id, after.version, document, after.updated_at, actor)
        more = [self._config.putting(_version_item(version), ABSENT)]
        return self._changed(before, after, actor, "update", more)

    def validated(
        self, before: Workflow, machine_arn: str, version_arn: str, actor: str
    ) -> Workflow | None:
        """Note that its latest version has a state machine of that ARN."""
        after = replace(
            before,
            status=before.status if before.status in ("active", "paused") else "validated",
            validated_version=before.version,
            machine_arn=machine_arn,
            updated_at=now(),
        )
        place = (_versions(before.id), _version(before.version))
        more = [self._config.updating(*place, {"machine_arn": version_arn})]
        return self._changed(before, after, actor, "validate", more)

    def activated(
        self,
        before: Workflow,
        trigger: Trigger,
        events: tuple[str, ...],
        actor: str,
        matching: Matching | None = None,
    ) -> Workflow | None:
        """Have the version that was validated last begin from now on. `matching` is kept until the
        starter has done as it says.
        """
        moment = now()
        goes_on = before.status == "active" and before.trigger == trigger
        after = replace(
            before,
            status="active",
            active_version=before.validated_version,
            trigger=trigger,
            events=events,
            matching=matching,
            active_since=before.active_since if goes_on else moment,
            updated_at=moment,
        )
        return self._changed(before, after, actor, "activate")

    def paused(self, before: Workflow, actor: str) -> Workflow | None:
        """Have it begin no more; what was begun goes on."""
        after = replace(before, status="paused", updated_at=now())
        return self._changed(before, after, actor, "pause")

    def delete(self, before: Workflow, actor: str) -> bool:
        """Forget the workflow and its versions; its executions stay."""
        writes = [
            self._config.deleting(KIND, before.id, equals("updated_at", before.updated_at)),
            self._audited(actor, "delete", before, None),
        ]
        if transact(self._config.client, writes) is not None:
            return False
        places = [(item["pk"], item["sk"]) for item in self._config.query(_versions(before.id))]
        for place in places:
            self._config.delete(*place)
        return True

    def _changed(
        self,
        before: Workflow,
        after: Workflow,
        actor: str,
        verb: str,
        more: list[Action] | None = None,
    ) -> Workflow | None:
        unchanged = equals("updated_at", before.updated_at) & equals("status", before.status)
        writes = [
            self._config.putting(_item(after), unchanged),
            *(more or []),
            self._audited(actor, verb, before, after),
        ]
        return after if transact(self._config.client, writes) is None else None

    def _audited(
        self, actor: str, verb: str, before: Workflow | None, after: Workflow | None
    ) -> Action:
        whose = after or before
        if whose is None:
            raise ValueError("a change is of something")
        shown = [asdict(one) if one is not None else {} for one in (before, after)]
        return recording(self._config, Change(actor, verb, "workflow", whose.id, *shown))


def _item(workflow: Workflow) -> Item:
    kept = {name: value for name, value in asdict(workflow).items() if value is not None}
    return {"pk": KIND, "sk": workflow.id, **kept}


def _version_item(version: Version) -> Item:
    kept = {**asdict(version), "document": json.dumps(version.document)}
    keys = {"pk": _versions(version.workflow_id), "sk": _version(version.number)}
    return {**keys, **{name: value for name, value in kept.items() if value is not None}}


def _versions(workflow_id: str) -> str:
    return f"{KIND}#{workflow_id}"


def _version(number: int) -> str:
    return f"VERSION#{number:06d}"
