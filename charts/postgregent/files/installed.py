"""What `helm test` runs, in the controller's image: the kinds are served, the controller ready."""

import json
import os
import ssl
import sys
import time
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KINDS = {"Permission", "Role", "User", "Regent"}
SECONDS = 60


def served_kinds() -> set[str]:
    """The kinds of our group, as the API server tells everybody."""
    request = urllib.request.Request(
        "https://kubernetes.default.svc/apis/putnam120.postgregent/v1alpha1",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"},
    )
    trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=5, context=trusted) as answer:
        return {resource["kind"] for resource in json.load(answer)["resources"]}


def problem() -> str:
    """What is not as it should be, or nothing."""
    if missing := KINDS - served_kinds():
        return f"the API server does not serve {', '.join(sorted(missing))}; set crds.enabled"
    for path in ("/readyz", "/metrics"):
        with urllib.request.urlopen(os.environ["CONTROLLER"] + path, timeout=5) as answer:
            print(path, answer.status, flush=True)
    return ""


ends = time.monotonic() + SECONDS
while True:
    try:
        found = problem()
    except OSError as error:
        found = f"{type(error).__name__}: {error}"
    if not found or time.monotonic() > ends:
        break
    time.sleep(1)
sys.exit(found or 0)
