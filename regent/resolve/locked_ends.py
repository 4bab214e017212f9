"""Who shall not log in, and keeps LOGIN as long as somebody holds its row, gets nothing meanwhile.

Pure. Memberships and privileges are rows of their own, which the role cannot hold: they are the
second line (rule 24). Once LOGIN is gone, what is declared of the role holds again.
"""

from __future__ import annotations

from dataclasses import replace

from regent.desired import Desired
from regent.resolve.context import Context

NOTE = "Its LOGIN cannot be taken yet: until it can, its memberships and privileges are taken."


def without_locked_ends(context: Context, desired: Desired) -> Desired:
    """What is desired, less all that these roles would have by it."""
    locked = {
        name
        for name in context.situation.locked_ends
        if (role := desired.roles.get(name)) is not None
        and not role.login
        and (there := context.situation.server.roles.get(name)) is not None
        and there.login
    }
    if not locked:
        return desired
    for name in sorted(locked):
        for key in desired.roles[name].declared_by:
            context.findings.note(key, NOTE)
    return replace(
        desired,
        memberships=tuple(one for one in desired.memberships if one.member not in locked),
        grants=desired.grants_without(locked),
        defaults=desired.defaults_without(locked),
        owners=tuple(one for one in desired.owners if one.owner not in locked),
    )
