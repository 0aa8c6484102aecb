"""The functions as Lambda loads them: nothing is read before the first request."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rollcall.api.services import ApiSettings
from rollcall.aws import Aws
from rollcall.settings import Settings
from tests.integration.api.caller import Caller, Context

ROOT = Path(__file__).parents[3]


def load(name: str) -> ModuleType:
    """A function's app.py, as a cold start imports it."""
    spec = importlib.util.spec_from_file_location(
        f"functions_{name}", ROOT / "functions" / name / "app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def set_environment(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, api_settings: ApiSettings
) -> None:
    values = {**asdict(settings), **asdict(api_settings), "allow_hosts": "127.0.0.1"}
    for name, value in values.items():
        monkeypatch.setenv(name.upper(), str(value))


def test_the_api_function_reads_its_environment_at_the_first_request(
    settings: Settings, api_settings: ApiSettings, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = load("api").handler
    set_environment(monkeypatch, settings, api_settings)
    api = Caller(handler, settings, api_settings, aws)
    assert api("GET", "/v1/health", actor=None).status == 200
    assert api.integration()["status"] == "draft"


def authorizer(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Any:
    arn = aws.secretsmanager.create_secret(Name="token", SecretString="t0ken")["ARN"]
    monkeypatch.setenv("TOKEN_SECRET_ARN", arn)
    return load("authorizer").handler


def test_the_administrators_token_is_let_in(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = authorizer(aws, monkeypatch)
    for header in ("Bearer t0ken", "bearer t0ken", "BEARER  t0ken "):
        answer = handler({"headers": {"Authorization": header}}, Context())
        assert answer == {"isAuthorized": True, "context": {"actor": "administrator"}}


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"authorization": ""},
        {"authorization": "t0ken"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer t0ken2"},
        {"authorization": "Bearer t0ke\u00f1"},
        {"authorization": "Bearer \ud800"},
        {"authorization": "Basic t0ken"},
        {"authorization": "Bearer t0ken,Bearer t0ken"},
        {"x-authorization": "Bearer t0ken"},
    ],
)
def test_everything_else_is_not(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str] | None
) -> None:
    handler = authorizer(aws, monkeypatch)
    assert handler({"headers": headers}, Context()) == {"isAuthorized": False}


def test_importing_the_functions_opens_nothing() -> None:
    program = f"""
import socket, sys
sys.path[:0] = [{str(ROOT / "layers/rollcall/python")!r}]
def refuse(*_): raise AssertionError("opened")
socket.socket.connect = refuse
for name in ("api", "authorizer"):
    sys.path.insert(0, {str(ROOT / "functions")!r} + "/" + name)
    import app
    del sys.modules["app"], sys.path[0]
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_the_sync_uses_imports_no_pydantic() -> None:
    modules = (
        "rollcall.integrations.store", "rollcall.integrations.address",
        "rollcall.integrations.schedule", "rollcall.integrations.variables",
        "rollcall.credentials.store", "rollcall.directory.read", "rollcall.directory.purge",
        "rollcall.access.audit", "rollcall.access.token",
    )  # fmt: skip
    program = f"import sys, {', '.join(modules)}\nprint([*sys.modules].count('pydantic'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "layers/rollcall/python")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == 0
