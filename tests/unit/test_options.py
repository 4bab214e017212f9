"""The flags of the controller, and the same as variables."""

from __future__ import annotations

import pytest

from controller.__main__ import read_options


def test_flags_come_before_variables_and_lists_may_be_repeated_or_separated() -> None:
    environment = {
        "POSTGREGENT_REGENT_IMAGE": "image:1",
        "POSTGREGENT_NAMESPACE": "from-variable",
        "POSTGREGENT_WATCH_NAMESPACE": "a, b",
        "POSTGREGENT_ALLOWED_HOSTS": "*.example.org",
    }
    options = read_options([], environment)
    assert options.regent_image == "image:1"
    assert options.namespace == "from-variable"
    assert options.watch_namespaces == ("a", "b")
    assert options.allowed_hosts == ("*.example.org",)
    flags = ["--namespace=n", "--watch-namespace=c", "--watch-namespace=d,e", "--log-level=debug"]
    options = read_options(flags, environment)
    assert (options.namespace, options.watch_namespaces) == ("n", ("c", "d", "e"))
    assert options.log_level == "debug"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--regent-image"),
        (["--regent-image=i", "--api-port=8443"], "--api-cert-file"),
        (["--regent-image=i", "--log-level=loud"], "loud"),
    ],
)
def test_what_is_missing_is_said(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read_options(flags, {})
    assert said in capsys.readouterr().err
