"""Who vouches for the controller, and who for the Regents, as their Secrets say."""

from __future__ import annotations

from datetime import datetime

from controller.kube.api import KubeApi
from controller.pki.authorities import CONTROLLER_CA, REGENTS_CA, Authorities, load


async def load_authorities(api: KubeApi, namespace: str, now: datetime) -> Authorities:
    """Both, made where they are missing."""
    return Authorities(
        (await load(api, namespace, CONTROLLER_CA, now)).authority,
        (await load(api, namespace, REGENTS_CA, now)).authority,
    )
