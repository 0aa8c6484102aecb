"""What README and docs/ say is there, is there."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from local.translate import read_template
from rollcall.connectors.answers import Code
from rollcall.connectors.manifest import Manifest

ROOT = Path(__file__).resolve().parents[3]
LAYER = ROOT / "layers/rollcall/python/rollcall"
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").rglob("*.md"))]
TEMPLATE: dict[str, Any] = read_template(ROOT / "template.yaml")


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def section(document: Path, title: str) -> str:
    found = re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", document.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{document.name} has no section {title!r}"
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of tables, without their heads."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_target_of_make_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(
        re.findall(r"(?:`|^)(?:[A-Z]+=\S* )*make ([a-z]+)", document.read_text(), re.MULTILINE)
    )
    assert used <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_path_exists(document: Path) -> None:
    roots = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."}
    packages = {path.name for path in LAYER.iterdir() if path.is_dir()}
    for path in re.findall(r"`([\w./-]+/[\w./-]*)`", document.read_text()):
        first = path.split("/")[0]
        if first in roots:
            assert (ROOT / path).exists(), path
        elif first in packages and path.endswith(".py"):
            assert (LAYER / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {title.lower().replace(" ", "-").rstrip("?") for title in titles}, link


def test_every_name_in_the_tree_exists() -> None:
    folder = ROOT
    for line in section(README, "The tree").replace("```", "").strip().splitlines():
        first, *_ = words = line.split()
        if not line.startswith(" ") and first.endswith("/"):
            folder = ROOT / first
        for word in words:
            if word.endswith(("/", ".toml", ".yaml")) or word == "Makefile":
                assert (ROOT / word).exists() or (folder / word).exists(), word


def test_the_parameters_are_those_of_the_template() -> None:
    told = {cells[0].strip("`"): cells[1:] for cells in rows(section(README, "Deploy"))}
    for name, parameter in TEMPLATE["Parameters"].items():
        default = str(parameter["Default"])
        assert told.pop(name) == [f"`{default}`" if default else "empty", parameter["Description"]]
    assert not told


def test_the_sections_of_a_manifest_are_named() -> None:
    text = section(README, "Add a connector")
    needed = {field.name for field in fields(Manifest)} - {"key", "name", "description"}
    assert {name for name in needed if f"`{name}`" not in text} == set()


def test_every_failure_code_is_explained() -> None:
    guide = ROOT / "docs/guide/runs-and-removals.md"
    told = {cells[0].strip("`") for cells in rows(section(guide, "Why a run failed"))}
    for title in ("Why a record could not be taken", "Why a record was left out"):
        told |= {cells[0].strip("`") for cells in rows(section(guide, title))}
    sources = [*(LAYER / "sync").glob("*.py"), LAYER / "connectors/records.py"]
    sources += [LAYER / "directory/matching.py", LAYER / "mapping/mapper.py"]
    sources.append(ROOT / "statemachines/sync.asl.yaml")
    text = "\n".join(source.read_text() for source in sources)
    in_code = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text)) | set(get_args(Code))
    in_code |= set(re.findall(r"code: ([a-z]+-[a-z-]+)$", text, re.MULTILINE))
    in_code -= {"superseded"}
    in_code |= {"filtered"}
    assert told == in_code


def test_every_alarm_is_explained() -> None:
    told = {c[0].strip("`") for c in rows(section(ROOT / "docs/guide/operate.md", "Alarms"))}
    kinds = {name: resource["Type"] for name, resource in TEMPLATE["Resources"].items()}
    assert told == {name for name, kind in kinds.items() if kind == "AWS::CloudWatch::Alarm"}


def test_decisions_are_numbered_dated_and_name_what_was_refused() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(decision.name[:4]) for decision in decisions]
    assert numbers == list(range(1, len(numbers) + 1))
    for decision in decisions:
        text = decision.read_text()
        assert text.startswith(f"# {decision.name[:4]} ")
        assert re.search(r"^20\d\d-\d\d-\d\d$", text, re.MULTILINE)
        assert "**Refused.**" in text
        assert len(text.splitlines()) <= 60


def test_the_log_fields_of_a_request_are_those_of_the_template() -> None:
    text = section(ROOT / "docs/guide/operate.md", "Logs")
    access = TEMPLATE["Resources"]["HttpApi"]["Properties"]["AccessLogSettings"]["Format"]
    assert {name for name in yaml.safe_load(access) if f"`{name}`" not in text} == set()
