"""What a Regent counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from regent.health.metrics import Health, Metrics


def test_two_regents_in_one_process_count_apart() -> None:
    one, two = Metrics(), Metrics()
    one.pass_ended(result="Applied", seconds=0.02, at=datetime(2026, 1, 1, tzinfo=UTC))
    one.drift_found.labels(kind="TABLE").inc()
    one.brake(pulled=True, losses=7)
    one.follow(lambda: [Health("listener", "mydb", healthy=True)])
    text = one.render().decode()
    assert 'postgregent_passes_total{result="Applied"} 1.0' in text
    assert 'postgregent_drift_found_total{kind="TABLE"} 1.0' in text
    assert "postgregent_losses_withheld 7.0" in text
    assert 'postgregent_detector_healthy{database="mydb",detector="listener"} 1.0' in text
    assert "postgregent_last_pass_timestamp_seconds 1.7672256e+09" in text
    assert 'postgregent_passes_total{result="Applied"} 0.0' in two.render().decode()


@pytest.mark.found("C24")
def test_a_detector_that_is_gone_does_not_work_and_what_is_unknown_is_no_zero() -> None:
    one = Metrics()
    assert "postgregent_drift_outstanding 0" not in one.render().decode()
    health = [Health("watcher", "", healthy=True), Health("listener", "mydb", healthy=True)]
    one.follow(lambda: health)
    one.drift_outstanding.value = 3
    assert "postgregent_drift_outstanding 3.0" in one.render().decode()
    one.disconnected()
    text = one.render().decode()
    assert 'postgregent_detector_healthy{database="mydb",detector="listener"} 0.0' in text
    assert "postgregent_drift_outstanding 3" not in text
    one.follow(lambda: health[:1])
    assert 'detector="listener"' not in one.render().decode()
