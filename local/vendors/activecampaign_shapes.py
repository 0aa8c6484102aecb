"""ActiveCampaign's records and the JSON they are sent as: the vendor's recorded 2020 answers.

Every scalar is a string ("0", "1", ids), slashes are escaped with a backslash, names mix
camelCase and snake_case exactly as recorded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON = json.JSONEncoder(separators=(",", ":"))
ADMIN_GROUP = "3"
OWNER = "1"

# name=Admin group/new group, in the order sent.
_GROUP_FIELDS = """
unsubscribelink=0/0 optinconfirm=0/0 p_admin=1/1
pgListAdd=1/0 pgListEdit=1/0 pgListDelete=1/0 pgListHeaders=1/0 pgListEmailaccount=1/0
pgListBounce=1/0 pgMessageAdd=1/0 pgMessageEdit=1/0 pgMessageDelete=1/0 pgMessageSend=1/0
pgContactAdd=1/0 pgContactEdit=1/0 pgContactDelete=1/0 pgContactMerge=1/0 pgContactImport=1/0
pgContactApprove=1/0 pgContactExport=1/0 pgContactSync=1/0 pgContactFilters=1/0
pgContactActions=0/0 pgContactFields=1/0 pg_user_add=1/0 pg_user_edit=1/0 pg_user_delete=1/0
pgGroupAdd=1/0 pgGroupEdit=1/0 pgGroupDelete=1/0 pgTemplateAdd=1/0 pgTemplateEdit=1/0
pgTemplateDelete=1/0 pgPersonalizationAdd=1/0 pgPersonalizationEdit=1/0
pgPersonalizationDelete=1/0 pgAutomationManage=1/0 pgFormEdit=1/0 pgReportsCampaign=1/0
pgReportsList=1/0 pgReportsUser=1/0 pgReportsTrend=1/1 pgReportsDeal=1/1 pgStartupReports=1/0
pgStartupGettingstarted=1/1 pgAccountAdd=1/1 pgAccountEdit=1/1 pgAccountDelete=1/1
pgAccountManageCustomField=1/1 pgDeal=1/1 pgDealDelete=1/1 pgDealReassign=1/1 pgDealFields=1/1
pgDealGroupAdd=1/1 pgDealGroupEdit=1/1 pgDealGroupDelete=1/1 pgSavedResponsesManage=1/0 sdate=/
reqApproval=0/0 reqApproval1st=2/2 reqApprovalNotify=/ socialdata=0/0 pgMfaAdmin=1/0
pgDealExport=1/0 pgDealManageRoles=1/0 pgAccountNoteAdd=0/0 pgAccountNoteEdit=0/0
pgAccountNoteDelete=0/0 pgDealNoteAdd=0/0 pgDealNoteEdit=0/0 pgDealNoteDelete=0/0
pgDealListAll=1/0 pgTagManage=1/0 pgContactResubscribe=1/1 pgDealImport=1/0 pgAccountImport=1/0
pgAccountExport=0/0
"""
GROUP_FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        name: (values.partition("/")[0], values.partition("/")[2])
        for name, _, values in (item.partition("=") for item in _GROUP_FIELDS.split())
    }
)
_GROUP_LINKS = (
    "userGroups",
    "groupLimit",
    "dealGroupGroups",
    "listGroups",
    "addressGroups",
    "automationGroups",
)
_USER_LINKS = (
    "lists",
    "userGroup",
    "dealGroupTotals",
    "dealGroupUsers",
    "configs",
    "dealConnection",
    "userConversationsPermission",
    "seatUser",
)
_DOCUMENTED_LINKS = _USER_LINKS[:5]


@dataclass(frozen=True, slots=True)
class User:
    """`group` is the id of the one group the user is in; None stands for a user in no group."""

    id: str
    username: str
    email: str
    first_name: str = ""
    last_name: str = ""
    group: str | None = None
    phone: str = ""
    zone: str = "America/Chicago"
    cdate: str | None = "2020-05-24T05:16:49-05:00"
    udate: str | None = "2020-05-24T05:16:49-05:00"
    mfa: str = "0"


@dataclass(frozen=True, slots=True)
class Group:
    """`permissions` holds what differs from a new group, or from Admin in the group with id 3."""

    id: str
    title: str
    descript: str = ""
    sdate: str | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)


def dumps(value: object) -> bytes:
    """JSON as PHP writes it: no spaces, ASCII only, slashes escaped."""
    return _JSON.encode(value).replace("/", "\\/").encode()


def identifier(text: str | None, *, as_int: bool) -> str | int | None:
    """Give an id as the string the vendor sends, or as a number."""
    return int(text) if as_int and text is not None else text


def user_json(user: User, url: str, fields: str, *, as_int: bool) -> dict[str, Any]:
    """Build a user as listed. `url` is the API's base, `fields` the switch user_fields.

    The account owner (id 1) has null dates and a zero password time.
    """
    owner = user.id == OWNER
    names = _DOCUMENTED_LINKS if fields == "documented" else _USER_LINKS
    shown: dict[str, Any] = {
        "username": user.username,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.email,
        "phone": user.phone,
        "signature": "" if owner else None,
    }
    if fields == "lang":
        shown["lang"] = "english"
    if fields != "documented":
        shown["localZoneid"] = user.zone
        shown["password_updated_utc_timestamp"] = "0000-00-00 00:00:00" if owner else None
        shown["cdate"] = user.cdate
        shown["udate"] = user.udate
        shown["mfaEnabled"] = user.mfa
    shown["links"] = {name: f"{url}/users/{user.id}/{name}" for name in names}
    shown["id"] = identifier(user.id, as_int=as_int)
    return shown


def created_user_json(user: User, url: str, fields: str, *, as_int: bool) -> dict[str, Any]:
    """Build the short object POST users answers: no phone, signature, mfaEnabled or group."""
    shown = user_json(user, url, "lang" if fields == "lang" else "recorded", as_int=as_int)
    for name in ("phone", "signature", "password_updated_utc_timestamp", "mfaEnabled"):
        del shown[name]
    return shown


def row_json(user: User, url: str, *, as_int: bool) -> dict[str, Any]:
    """Build a userGroups row. Its own id is the user's id, which is not the group's id."""
    number = identifier(user.id, as_int=as_int)
    group = identifier(user.group, as_int=as_int)
    return {
        "userid": number,
        "groupid": group,
        "cdate": user.cdate,
        "udate": user.udate,
        "links": {
            "group": f"{url}/userGroups/{user.id}/group",
            "user": f"{url}/userGroups/{user.id}/user",
        },
        "id": number,
        "group": group,
        "user": number,
    }


def changed_user_json(user: User, url: str, fields: str, *, as_int: bool) -> dict[str, Any]:
    """Build what PUT users/{id} answers: the user with its userGroups row next to it.

    user.userGroup is the id of that row, equal to the user's id, and never the group's id.
    """
    shown = user_json(user, url, fields, as_int=as_int)
    links, number = shown.pop("links"), shown.pop("id")
    shown |= {"userGroup": number, "userConversationsPermission": number}
    shown |= {"links": links, "id": number}
    permission = {
        "user": number,
        "permission": "0",
        "created_timestamp": user.cdate,
        "updated_timestamp": user.udate,
        "links": {"user": f"{url}/userConversationsPermissions/{user.id}/user"},
        "id": number,
    }
    return {
        "userGroups": [] if user.group is None else [row_json(user, url, as_int=as_int)],
        "userConversationsPermissions": [permission],
        "user": shown,
    }


def group_json(group: Group, url: str, *, as_int: bool) -> dict[str, Any]:
    """Build a group with all its fields, every value a string, p_admin "1" on each group."""
    column = 0 if group.id == ADMIN_GROUP else 1
    shown: dict[str, Any] = {"title": group.title, "descript": group.descript}
    for name, values in GROUP_FIELDS.items():
        shown[name] = group.permissions.get(name, values[column])
    shown["sdate"] = group.sdate
    shown["links"] = _group_links(group, url)
    shown["id"] = identifier(group.id, as_int=as_int)
    return shown


def created_group_json(group: Group, url: str, *, as_int: bool) -> dict[str, Any]:
    """Build the short object POST groups answers, its p_admin an int."""
    return {
        "title": group.title,
        "descript": group.descript,
        "p_admin": 1,
        "links": _group_links(group, url),
        "id": identifier(group.id, as_int=as_int),
    }


def _group_links(group: Group, url: str) -> dict[str, str]:
    return {name: f"{url}/groups/{group.id}/{name}" for name in _GROUP_LINKS}
