"""One use of one preset: read what it needs, make the request, follow it on the roster."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import Any

from rollcall.actions import answering, guard
from rollcall.actions.answering import Ended, error_of, fault_error
from rollcall.actions.context import read_all, subject
from rollcall.actions.creating import LOOKS, Adopted, Creation, Looks, NotTried
from rollcall.actions.person_field import field_fault, store_field
from rollcall.actions.request import Fault, Plan, Rendered, Tree, compiled, response_mapping
from rollcall.actions.roster import Followed, Follower, Rules
from rollcall.actions.store import UNHEARD, Action, Actions
from rollcall.connectors import paths
from rollcall.connectors.answers import Answer, Failure
from rollcall.connectors.engine import App
from rollcall.connectors.presets import CHANGING, Preset
from rollcall.fields.store import Fields
from rollcall.integrations.model import Integration
from rollcall.integrations.own_user import OwnUsers
from rollcall.integrations.store import Integrations
from rollcall.notices.teller import Teller
from rollcall.sync.masking import texts, without_values
from rollcall.sync.rules import rules_of
from rollcall.sync.sample import listed
from rollcall.tables import Table

Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stores:
    """Where actions, configuration and the roster are kept, and who tells the contacts."""

    actions: Actions
    own_users: OwnUsers
    config: Table
    directory: Table
    teller: Teller


@dataclass(frozen=True, slots=True)
class Work:
    """An action that a function has claimed for so many seconds, as `claimant`.

    `inputs` and `overrides` are whole, secrets and all.
    """

    action: Action
    preset: Preset
    inputs: Mapping[str, Any]
    overrides: Mapping[str, Any]
    claimant: str
    seconds: float
    looks: Looks = LOOKS


class Use:
    """One use of a preset, with the app in hand."""

    def __init__(self, stores: Stores, integration: Integration, app: App, work: Work) -> None:
        self._stores = stores
        self._integration = integration
        self._app = app
        self._work = work
        self._action = work.action
        self._preset = work.preset
        self._notes: list[str] = []
        self._email = ""
        self._rules: Future[Rules] | None = None
        self._whose = self._own_id
        self._letting_go: Future[None] | None = None
        self._changes = work.preset.does in CHANGING
        """May the app have changed? A use that only reads may fail for what comes after it."""
        keys = [one.key for one in work.preset.inputs if one.secret]
        self._secrets = [*texts([work.inputs.get(key) for key in keys])]
        """What nothing that is kept may repeat, beside the credential."""

    def performed(self) -> Action:
        """The action as it ended, with everything that follows from how the call did."""
        if self._changes:
            self._rules = self._begun_rules()
        if self._preset.does in ("delete", "deactivate"):  # whose key it is will be asked
            self._whose = self._app.beside(self._own_id).result
        ended = self._ended()
        asked = self._action.asked
        external_id = ended.external_id or asked.external_id
        followed = self._followed(ended, external_id)
        person_id = asked.person_id or (followed.person_id if followed else None)
        if followed is not None and followed.note:
            self._notes.append(followed.note)
        response = self._told(ended.response)
        if ended.error is None and asked.response_field is not None:
            ended = self._stored(ended, asked.response_field, person_id, response)
        self._set_status(ended)
        if self._letting_go is not None:
            self._letting_go.result()
        return replace(
            self._action,
            asked=replace(asked, external_id=external_id, person_id=person_id),
            status="succeeded" if ended.error is None else "failed",
            outcome=ended.outcome if ended.error is None else None,
            request=self._shown(ended),
            response=response,
            error=self._told(ended.error),
            roster=followed.kept if followed is not None else None,
            notes=tuple(self._told(self._notes)),
        )

    def _ended(self) -> Ended:
        preset = self._preset
        plan = compiled(preset, self._work.overrides, self._app.base_url)
        mapping = response_mapping(self._work.overrides)
        if isinstance(plan, Fault):
            return Ended(error=fault_error(plan))
        if isinstance(mapping, Fault):
            return Ended(error=fault_error(mapping))
        spoken = f"{preset} {self._work.overrides}"
        asked, stores = self._action.asked, self._stores
        of = subject(stores.directory, stores.config, asked, self._work.inputs, spoken)
        if preset.lists:
            return self._listed({**of.context, "reads": {}}, mapping)
        reads = read_all(self._app, preset, of)
        if isinstance(reads, Failure):
            return Ended(error=error_of(reads, plan.fields))
        if isinstance(reads, Fault):
            return Ended(error=fault_error(reads))
        return self._asked(plan, {**of.context, "reads": reads}, mapping)

    def _listed(self, context: Context, mapping: Tree | None) -> Ended:
        groups = self._app.manifest.groups
        if groups is None:
            return Ended(error={"code": "conflict", "detail": "the app has no groups"})
        found = listed(self._app, groups)
        if isinstance(found, Failure):
            return Ended(error=error_of(found, {}))
        rows = [dict(row) for row in found]
        return self._wanted(Ended(), {**context, "response": rows}, mapping)

    def _asked(self, plan: Plan, context: Context, mapping: Tree | None) -> Ended:
        preset = self._preset
        if answering.holds(preset.needless, context):
            # What a function did that died over it is so already, and the roster has yet to follow.
            ended = Ended("done") if preset.does == "read" else Ended("already-so", touched=True)
            return self._wanted(ended, {**context, "response": None}, mapping)
        rendered = plan.render(context)
        if isinstance(rendered, Fault):
            return Ended(error=fault_error(rendered))
        refused = guard.refusal(self._app.manifest, rendered.request, self._whose)
        if isinstance(refused, Failure):
            return Ended(error=error_of(refused, plan.fields))
        if refused is not None:
            return Ended(error={"code": "conflict", "detail": refused.detail})
        self._changes = self._changes or rendered.request.method != "GET"
        self._secrets += rendered.secrets
        self._email = self._looked_for(rendered, context)
        came = self._called(rendered)
        match came:
            case NotTried():
                ended = Ended(error={"code": came.code, "detail": came.detail})
            case Adopted():
                record = dict(came.record)
                ended = Ended("adopted", record, external_id=came.external_id, touched=True)
                if mapping is not None:
                    ended = self._wanted(ended, {**context, "response": record}, mapping)
            case _:
                ended = self._judged(came, plan, context, mapping)
        return replace(ended, request=rendered.shown)

    def _own_id(self) -> str | Failure | None:
        own, integration = self._app.own_id(), self._integration
        if isinstance(own, str):
            self._stores.own_users.keep(integration.id, integration.credential_id, own)
        return own

    def _looked_for(self, rendered: Rendered, context: Context) -> str:
        """The email of the user to be made; empty where the request says another one, or none."""
        email = answering.text_of(self._preset.looks_for, context)
        said = (text.casefold() for text in texts(rendered.request.body))
        own = "body" not in self._work.overrides or email.casefold() in said
        return email if own else ""

    def _called(self, rendered: Rendered) -> Answer | Failure | Adopted | NotTried:
        request = rendered.request

        def send() -> Answer | Failure:
            return self._app.send(
                request.method, request.url, request.params, request.body, request.headers
            )

        if self._preset.does != "create":
            return send()
        creation = Creation(
            self._stores.actions,
            self._app,
            self._action,
            self._work.claimant,
            self._email,
            self._work.seconds,
            self._work.looks,
        )
        came = creation.once(send)
        self._action, self._letting_go = creation.action, creation.letting_go
        return came

    def _judged(
        self, came: Answer | Failure, plan: Plan, context: Context, mapping: Tree | None
    ) -> Ended:
        preset = self._preset
        if isinstance(came, Failure):
            outcome = answering.already(preset, came)
            if outcome is None and preset.does == "delete" and self._app.gone(came):
                outcome = "already-gone"
            if outcome is not None:
                return Ended(outcome, touched=True)
            return Ended(error=error_of(came, plan.fields), touched=came.code in UNHEARD)
        context = {**context, "response": came.body}
        external_id = None
        if preset.does == "create":
            external_id = paths.text(paths.read(came.body, preset.id))
            if external_id is None:
                detail = f"the app's answer has no id of a user at {preset.id}"
                return Ended(error={"code": "vendor-broken", "detail": detail})
        if not self._work.overrides and answering.lacking(preset, came.body):
            detail = f"the app's answer has nothing at {preset.response}"
            return Ended(error={"code": "vendor-broken", "detail": detail})
        ended = Ended(external_id=external_id, touched=True)
        if preset.expects and not answering.holds(preset.expects, context):
            detail = "the app answered well, and did not do what was asked"
            if preset.does != "create":
                error = {"code": "vendor-broken", "detail": detail}
                return replace(ended, response=came.body, error=error)
            # The user is there, and asking again would not mend it.
            self._notes.append(f"{detail}: the user was made, see response")
            ended = replace(ended, outcome="differs")
        return self._wanted(ended, context, mapping)

    def _wanted(self, ended: Ended, context: Context, mapping: Tree | None) -> Ended:
        said = answering.wanted(self._preset, context, mapping)
        if not isinstance(said, Fault):
            return replace(ended, response=said)
        if not self._changes:
            return replace(ended, response=context["response"], error=fault_error(said))
        self._notes.append(f"{said.field}: {said.message}")
        return replace(ended, response=context["response"])

    def _followed(self, ended: Ended, external_id: str | None) -> Followed | None:
        if not self._changes or not ended.touched or external_id is None:
            return None
        stores = self._stores
        rules = self._rules or self._begun_rules()
        follower = Follower(stores.directory, self._integration, self._app, rules)
        if self._preset.does == "delete" and ended.error is None:
            return follower.gone(external_id)
        return follower.changed(external_id, self._email or None)

    def _begun_rules(self) -> Future[Rules]:
        """The rules of the roster, read while the app is called."""
        return self._app.beside(self._read_rules)

    def _read_rules(self) -> Rules:
        config, manifest = self._stores.config, self._app.manifest
        Integrations(config).acting(self._integration.id, self._work.seconds)
        return rules_of(config, self._integration, manifest, self._action.asked.id, "action")

    def _stored(self, ended: Ended, key: str, person_id: str | None, response: Any) -> Ended:
        """Store the response in the person's field. Where it cannot be, a use that only reads has
        failed; of any other it is noted.
        """
        config = self._stores.config
        field = Fields(config).everything().get(key)
        fault = field_fault(field)
        if person_id is None:
            fault = "is not written: the user belongs to no person"
        elif field is not None and fault is None:
            taker = self._action.asked.id
            source, _, _ = rules_of(config, self._integration, self._app.manifest, taker)
            fault = store_field(self._stores.directory, source, person_id, field, response)
        if fault is not None and not self._changes:
            return replace(ended, error=fault_error(Fault("response_field", f"{key} {fault}")))
        if fault is not None:
            self._notes.append(f"{key} {fault}")
        return ended

    def _set_status(self, ended: Ended) -> None:
        """What the call says of the credential, under the integration's own name."""
        store, integration = Integrations(self._stores.config), self._integration
        actor = f"integration:{integration.name}"
        if ended.error is not None and ended.error["code"] == "vendor-unauthorized":
            if store.set_status(integration.id, "needs_reconnect", actor):
                self._stores.teller.refused(integration, ended.error)
        elif (
            ended.error is None
            and integration.status == "needs_reconnect"
            and (ended.request is not None or self._preset.reads or self._preset.lists)
        ):
            store.set_status(integration.id, "active", actor)

    def _shown(self, ended: Ended) -> dict[str, Any] | None:
        if ended.request is None:
            return None
        shown: dict[str, Any] = self._told(asdict(ended.request))
        return {**shown, "url": self._app.base_url + shown["url"]}

    def _told(self, data: Any) -> Any:
        """What is to be kept, without what is secret."""
        return without_values(data, [*self._app.secrets, *self._secrets])
