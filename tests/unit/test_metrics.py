"""What a Regent counts."""

from __future__ import annotations

from datetime import UTC, datetime

from regent.metrics import Metrics


def test_two_regents_in_one_process_count_apart() -> None:
    one, two = Metrics(), Metrics()
    one.pass_ended(result="Applied", seconds=0.02, at=datetime(2026, 1, 1, tzinfo=UTC))
    one.drift_found.labels(kind="TABLE").inc()
    one.brake(pulled=True, losses=7)
    one.detector("listener", "mydb", healthy=True)
    text = one.render().decode()
    assert 'postgregent_passes_total{result="Applied"} 1.0' in text
    assert 'postgregent_drift_found_total{kind="TABLE"} 1.0' in text
    assert "postgregent_losses_withheld 7.0" in text
    assert 'postgregent_detector_healthy{database="mydb",detector="listener"} 1.0' in text
    assert "postgregent_last_pass_timestamp_seconds 1.7672256e+09" in text
    assert 'result="Applied"' not in two.render().decode()
