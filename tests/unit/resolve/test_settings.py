"""The settings of a role: one value for each, however its name is written."""

from __future__ import annotations

import pytest

from regent.desired import SettingKey
from tests.declared import resolved


@pytest.mark.found("E91")
def test_a_role_and_its_user_that_spell_a_setting_in_two_ways_mean_one() -> None:
    """The User's word wins, as with one spelling; two would be set in turn for ever."""
    text = """
Role/one: {database: mydb, parameters: {work_mem: 4MB}, databaseParameters: {mydb: {JIT: "on"}}}
User/one:
  database: mydb
  roles: [one]
  parameters: {WORK_MEM: 8MB}
  databaseParameters: {mydb: {jit: "off"}}
"""
    settings = resolved(text).desired.roles["one"].settings
    assert settings == {SettingKey(None, "WORK_MEM"): "8MB", SettingKey("mydb", "jit"): "off"}
