"""What service accounts ask of the API server of a control plane, as it writes it down itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from tests.rights import Asked

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
    ],
}


@dataclass(frozen=True, slots=True)
class AuditLog:
    """In the folder of a control plane."""

    folder: Path

    @property
    def arguments(self) -> list[str]:
        """For the API server, which must find the policy when it starts."""
        policy = self.folder / "audit-policy.json"
        policy.write_text(json.dumps(POLICY))
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self._path}"]

    def asked_by(self, user: str) -> dict[Asked, set[int]]:
        """What this user has asked for, with the statuses that it was answered with.

        Server-side apply that made an object was allowed to create it too. What is made by POST
        had no name when rights were looked at. A request for no resource is one of its path.
        """
        found: dict[Asked, set[int]] = {}
        for line in self._path.read_text().splitlines():
            event = json.loads(line)
            if event["user"]["username"] != user:
                continue
            status = int(event["responseStatus"]["code"])
            about = event.get("objectRef") or {"resource": event["requestURI"]}
            resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            place, name = about.get("namespace", ""), about.get("name", "")
            verbs = [event["verb"]]
            if verbs == ["create"]:
                name = ""
            if verbs == ["patch"] and status == HTTPStatus.CREATED:
                verbs.append("create")
            if about["resource"] == "namespaces":
                place = ""  # the log says a namespace lives in itself
            for verb in verbs:
                asked = Asked(about.get("apiGroup", ""), resource, verb, place, name)
                found.setdefault(asked, set()).add(status)
        return found

    @property
    def _path(self) -> Path:
        return self.folder / "audit.log"
