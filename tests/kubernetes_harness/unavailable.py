"""Why there is no cluster here."""

from __future__ import annotations

from shared.errors import PostgRegentError


class ClusterUnavailable(PostgRegentError):
    """This machine cannot run a Kubernetes of its own; tests that need one are skipped."""


class ClusterFailed(PostgRegentError):
    """A Kubernetes was started here and did not come up."""
