"""The code of functions and layers, zipped from the source tree and put into the local S3."""

import copy
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from local.translate import Template

BUCKET = "rollcall-artifacts"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip knows: the same source, the same bytes
GATEWAY = Path(__file__).parent / "gateway.py"
Put = Callable[[str, bytes], None]


def zip_folder(folder: Path, extra: dict[str, bytes] | None = None) -> bytes:
    """The files below `folder`, without bytecode; equal folders give equal bytes.

    FileNotFoundError if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } | (extra or {})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def upload(template: Template, root: Path, put: Put) -> Template:
    """The template with its local paths as S3 addresses, their content handed to `put` by key.

    A key is the hash of its content, so that CloudFormation updates exactly what changed.
    The layer is the package alone: functions run on this very interpreter and find the
    requirements beside it. A function of the HTTP API gets the wrapper of local/gateway.py.
    """
    uploaded = copy.deepcopy(template)
    for resource in uploaded["Resources"].values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                extra = {}
                if any(
                    event["Type"] == "HttpApi" for event in properties.get("Events", {}).values()
                ):
                    extra = {"local_gateway.py": GATEWAY.read_bytes()}
                    properties["Handler"] = "local_gateway.handler"
                properties["CodeUri"] = _stored(
                    zip_folder(root / properties["CodeUri"], extra), put
                )
            case "AWS::Serverless::LayerVersion":
                properties["ContentUri"] = _stored(zip_folder(root / properties["ContentUri"]), put)
    return uploaded


def inline_definitions(template: Template, root: Path) -> Template:
    """The template with each state machine's file written into it.

    The local AWS reads a definition from S3 only as JSON; ours are YAML, as AWS takes it too.
    """
    inlined = copy.deepcopy(template)
    for resource in inlined["Resources"].values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            file = root / resource["Properties"].pop("DefinitionUri")
            resource["Properties"]["Definition"] = yaml.safe_load(file.read_text())
    return inlined


def _stored(content: bytes, put: Put) -> dict[str, Any]:
    key = f"{hashlib.sha256(content).hexdigest()}.zip"
    put(key, content)
    return {"Bucket": BUCKET, "Key": key}
