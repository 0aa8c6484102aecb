"""What `sam build` builds comes up on the local AWS by `sam deploy`."""

from pathlib import Path

import httpx
import pytest

from local import built, ministack
from local.stack import ROOT


@pytest.mark.slow
def test_the_built_stack_answers(tmp_path: Path) -> None:
    template = built.build(ROOT, tmp_path / "build", for_this_machine=True)
    aws = ministack.start(ministack.free_port(), tmp_path / "state")
    try:
        stack = built.deploy(aws, template, allow_hosts="127.0.0.1")
        assert httpx.get(f"{stack.api_url}/v1/health", timeout=30).status_code == 200
        assert httpx.get(f"{stack.api_url}/v1/people", timeout=30).status_code == 401
        headers = {"Authorization": f"Bearer {stack.token}"}
        answer = httpx.get(f"{stack.api_url}/v1/people", headers=headers, timeout=30)
        assert answer.status_code == 200
    finally:
        aws.stop()
