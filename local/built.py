"""What `sam build` builds, brought onto the local AWS by `sam deploy`.

Three things differ from AWS. The layer's wheels are for the interpreter and processor that run it
here, as functions run on the local AWS's own Python: the same makefile, two settings. And what
`sam deploy` gets is the built template after `sam package`, expanded as the local AWS wants it
(see local/translate.py). And a handler that breaks answers 502, for the code is as it was built,
without local/gateway.py.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from local import artifacts, deployment, translate
from local.ministack import CREDENTIALS, REGION, Ministack
from local.stack import ROOT, STACK, LocalStack

SAM = ROOT / ".venv-sam" / "bin" / "sam"


def build(root: Path, folder: Path, *, for_this_machine: bool) -> Path:
    """`sam build` of `root` into `folder`; the built template.

    For Lambda (Python 3.13 on arm64), or for the interpreter that runs this.
    """
    settings = _this_machine() if for_this_machine else {}
    template = str(root / "template.yaml")
    _sam(["build", "--template-file", template, "--build-dir", str(folder)], root, settings)
    return folder / "template.yaml"


def deploy(aws: Ministack, built: Path, allow_hosts: str = "") -> LocalStack:
    """`sam package` and `sam deploy` of a built template onto `aws`."""
    endpoint = {"AWS_ENDPOINT_URL": aws.endpoint}
    folder = built.parent
    deployment.client(aws.endpoint, "s3").create_bucket(Bucket=artifacts.BUCKET)

    local = folder / "local.json"
    template = translate.read_template(built)
    local.write_text(json.dumps(artifacts.inline_definitions(template, folder)))
    packaged = folder / "packaged.yaml"
    arguments = [
        *("package", "--template-file", str(local), "--output-template-file", str(packaged)),
        *("--s3-bucket", artifacts.BUCKET),
    ]
    _sam(arguments, folder, endpoint)

    expected = translate.to_cloudformation(translate.read_template(packaged))
    plain = translate.address_here(expected, aws.endpoint)
    expanded = folder / "expanded.json"
    expanded.write_text(json.dumps(plain))
    arguments = [
        *("deploy", "--template-file", str(expanded), "--stack-name", STACK),
        *("--s3-bucket", artifacts.BUCKET, "--capabilities", "CAPABILITY_IAM"),
        *("--no-confirm-changeset", "--no-progressbar"),
        *("--parameter-overrides", f"ParameterKey=AllowHosts,ParameterValue={allow_hosts}"),
    ]
    _sam(arguments, folder, endpoint)
    deployment.finish(aws.endpoint, STACK, plain)
    return LocalStack.attach(aws, deployment.outputs(aws.endpoint, STACK))


def _this_machine() -> dict[str, str]:
    linux = f"{platform.machine()}-manylinux_2_28"
    return {
        "LAYER_PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
        "LAYER_PLATFORM": "macos" if sys.platform == "darwin" else linux,
    }


def _sam(arguments: list[str], folder: Path, extra: dict[str, str]) -> None:
    """Run sam with nothing of the user's AWS settings; CalledProcessError carries what it said."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        # The layer's makefile calls uv, which stands beside this interpreter.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **extra,
    }
    finished = subprocess.run(
        [SAM, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise deployment.DeploymentError(f"sam {arguments[0]} failed:\n{finished.stdout}")
