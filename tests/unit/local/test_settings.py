import pytest

from local.ministack import StartError
from local.stack import settings_from_environment


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "ALLOW_HOSTS", "FRESH"):
        monkeypatch.delenv(name, raising=False)


def test_what_make_stack_does_when_nothing_is_said() -> None:
    settings = settings_from_environment()
    assert (settings["port"], settings["allow_hosts"], settings["fresh"]) == (4566, "", False)


def test_what_is_said_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "5000")
    monkeypatch.setenv("ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("FRESH", "1")
    settings = settings_from_environment()
    assert (settings["port"], settings["allow_hosts"], settings["fresh"]) == (
        5000,
        "127.0.0.1",
        True,
    )


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(StartError, match="is not a port number"):
        settings_from_environment()
