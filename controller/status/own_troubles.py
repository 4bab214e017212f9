"""What fails of the controller's own and stops nothing: an Event beside its Deployment says it.

It has no resource with a status. Each trouble is told when it begins and when its words change.
"""

from __future__ import annotations

from controller.kube.events import EventRecorder, News, Reference


class OwnTroubles:
    """Remembers what it told."""

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder
        self._told: dict[str, News] = {}

    def tell(
        self, beside: Reference, *, departures: str, authorities: str, statuses: str, rivals: str
    ) -> None:
        """Tell what is news of why these cannot be written; empty where they can."""
        for one in (
            News(beside, "Warning", "DeparturesNotWritten", "Hold", departures),
            News(beside, "Warning", "AuthorityNotReplaced", "Reconcile", authorities),
            News(beside, "Warning", "StatusNotWritten", "Reconcile", statuses),
            News(beside, "Warning", "AnotherController", "Reconcile", rivals),
        ):
            if one.note and one != self._told.get(one.reason):
                self._recorder.record(one)
            self._told[one.reason] = one
