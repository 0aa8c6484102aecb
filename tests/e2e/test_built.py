"""What `sam build` builds comes up on the local AWS by `sam deploy`, and does the main job."""

from pathlib import Path

import httpx
import pytest

from local import built, ministack
from local.stack import ROOT
from local.vendors import serve
from local.vendors.seed import seed_activecampaign
from tests.e2e.conftest import Api


@pytest.mark.slow
def test_the_built_stack_syncs_an_app(tmp_path: Path) -> None:
    template = built.build(ROOT, tmp_path / "build", for_this_machine=True)
    aws = ministack.start(ministack.free_port(), tmp_path / "state")
    try:
        stack = built.deploy(aws, template, allow_hosts="127.0.0.1")
        assert httpx.get(f"{stack.api_url}/v1/people", timeout=30).status_code == 401
        api = Api(stack)
        with serve(seed_activecampaign(120, 3)) as vendor:
            integration = api.connect(vendor)
            run = api.run(integration)
            assert (run["status"], run["counts"]["added"]) == ("succeeded", 120), run
            assert api.run(integration)["counts"]["unchanged"] == 120
            assert len(api.all(f"/integrations/{integration}/accounts")) == 120
        api.http.close()
    finally:
        aws.stop()
