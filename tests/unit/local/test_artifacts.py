import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local.artifacts import inline_definitions, upload, zip_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("functions/api", "functions/sync", "layer/python/rollcall/__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "functions/api/app.py").write_text("handler = 1")
    (tmp_path / "functions/sync/app.py").write_text("handler = 2")
    (tmp_path / "layer/python/rollcall/aha.toml").write_text("key = 'aha'")
    (tmp_path / "layer/python/rollcall/__pycache__/aha.pyc").write_bytes(b"0")
    (tmp_path / "sync.asl.yaml").write_text("StartAt: Begin\n")
    return tmp_path


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_equal_folders_give_equal_bytes_whatever_their_times(root: Path) -> None:
    before = zip_folder(root / "functions")
    (root / "functions/api/app.py").touch()
    assert zip_folder(root / "functions") == before


def test_bytecode_stays_behind_and_data_does_not(root: Path) -> None:
    assert names(zip_folder(root / "layer")) == ["python/rollcall/aha.toml"]


def test_code_is_uploaded_and_only_functions_of_the_api_are_wrapped(root: Path) -> None:
    events = {"Any": {"Type": "HttpApi"}}
    template: dict[str, Any] = {
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "functions/api/", "Events": events},
            },
            "Sync": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "functions/sync/"},
            },
            "Layer": {
                "Type": "AWS::Serverless::LayerVersion",
                "Properties": {"ContentUri": "layer/"},
            },
        }
    }
    stored: dict[str, bytes] = {}
    resources = upload(template, root, stored.__setitem__)["Resources"]
    api, sync = resources["Api"]["Properties"], resources["Sync"]["Properties"]
    assert names(stored[api["CodeUri"]["Key"]]) == ["app.py", "local_gateway.py"]
    assert api["Handler"] == "local_gateway.handler"
    assert names(stored[sync["CodeUri"]["Key"]]) == ["app.py"]
    assert "Handler" not in sync
    assert resources["Layer"]["Properties"]["ContentUri"]["Key"] in stored
    assert template["Resources"]["Sync"]["Properties"]["CodeUri"] == "functions/sync/"


def test_definitions_are_written_into_the_template(root: Path) -> None:
    machine = {
        "Type": "AWS::Serverless::StateMachine",
        "Properties": {"DefinitionUri": "sync.asl.yaml"},
    }
    [inlined] = inline_definitions({"Resources": {"Sync": machine}}, root)["Resources"].values()
    assert inlined["Properties"] == {"Definition": {"StartAt": "Begin"}}
