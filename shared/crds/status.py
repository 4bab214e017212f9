"""What a status may hold: the fields that the API server keeps, everything else it would drop.

The words are those of shared/http.py and shared/outcomes.py, as the controller writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]
MAX_REGENTS = 64
MAX_LEFTOVERS = 100
MAX_LOSSES = 50
MAX_CHANGES = 50
MAX_UNMANAGED = 50
MAX_PAUSES = 50
MAX_CONTENDED = 20
MAX_CAUSES = 256
MAX_CONDITIONS = 16
MAX_NOTES = 64
MAX_ACTORS = 16

_TEXT = {"type": "string", "maxLength": 32_768}
_WORD = {"type": "string", "maxLength": 1_024}


def _text(description: str) -> Schema:
    return {**_TEXT, "description": description}


def _word(description: str) -> Schema:
    return {**_WORD, "description": description}


def _count(description: str) -> Schema:
    return {"type": "integer", "format": "int64", "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _time(description: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": description}


def _one_of(words: Sequence[str], description: str) -> Schema:
    return {"type": "string", "enum": [*words], "description": description}


def _part(description: str, **properties: Schema) -> Schema:
    return {"description": description, "type": "object", "properties": properties}


def _item(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "required": [*required], "properties": properties}


def _list(description: str, items: Schema, most: int, *, keys: Sequence[str] = ()) -> Schema:
    """Merged item by item where there are `keys`, else replaced as a whole."""
    merged = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [*keys]}
    return {
        "description": description,
        "type": "array",
        "maxItems": most,
        **(merged if keys else {"x-kubernetes-list-type": "atomic"}),
        "items": items,
    }


def status_schema(kind: str) -> Schema:
    """The status of one kind. Its default is what says "nobody has looked at this yet".

    Without conditions kstatus, and so Flux, takes an object to be current; an observed generation
    of -1 keeps it from that until the controller has written.
    """
    return {
        "description": "What the controller reports.",
        "type": "object",
        "default": {"observedGeneration": -1},
        "properties": {
            "observedGeneration": _count(
                "The generation that the rest of this status is about; -1: none."
            ),
            "conditions": _CONDITIONS,
            **(_REGENT if kind == "Regent" else _DECLARED | _OF_KIND.get(kind, {})),
        },
    }


_CONDITIONS = _list(
    "Ready, and Reconciling or Stalled while it is not.",
    _item(
        *("type", "status", "lastTransitionTime", "reason", "message"),
        type={"type": "string", "maxLength": 316, "description": "Such as Ready."},
        status=_one_of(("True", "False", "Unknown"), "Whether it holds."),
        observedGeneration=_count("The generation that it was said of."),
        lastTransitionTime=_time("When `status` changed last."),
        reason=_word("Why, in one CamelCase word."),
        message=_text("Why, in words, with the way out."),
    ),
    MAX_CONDITIONS,
    keys=("type",),
)

_DECLARED = {
    "regents": _list(
        f"What became of it on each Regent, for the first {MAX_REGENTS} by name;"
        " while it is on none, those of its namespace on which it was last.",
        _item(
            *("namespace", "name"),
            namespace=_word("Namespace of the Regent."),
            name=_word("Name of the Regent."),
            state=_one_of(
                ("Ready", "Reconciling", "Stalled"), "Ready: seen in the catalog as declared."
            ),
            reason=_word("Why, in one CamelCase word."),
            message=_text("Why, in words, with the way out."),
            matches=_count("Objects that patterns match there now."),
            notes=_list("What is worth knowing and stops nothing.", _TEXT, MAX_NOTES),
        ),
        MAX_REGENTS,
        keys=("namespace", "name"),
    ),
    "regentCount": _count("How many Regents it is on."),
    "readyCount": _count("On how many of them it is ready."),
}
_OF_KIND = {
    "Permission": {
        "matches": _count("Objects that its patterns match now, on all Regents; 0 is a warning.")
    },
    "User": {
        "passwordSecretVersion": _word("The version of the Secret whose password is in force.")
    },
}

_BRAKE = _part(
    "What is withheld until somebody releases it.",
    pulled=_flag("Whether losses are withheld."),
    digest=_word("What a release must name: exactly these losses, once."),
    lossCount=_count("How many losses there are."),
    message=_text("Why, with the way out."),
    losses=_list(
        f"The first {MAX_LOSSES} of them.",
        _item(
            *("role", "kind", "privilege"),
            role=_word("Who would lose it."),
            kind=_word("Kind of the object, or Membership, Login, Role."),
            privilege=_word("What would be lost."),
            detail=_text("On what."),
        ),
        MAX_LOSSES,
    ),
)

_APPROVAL = _part(
    "What is declared anew and waits for approval.",
    waiting=_flag("Whether something waits."),
    digest=_word("What an approval must name: exactly this, once. Empty: not now."),
    changeCount=_count("How many changes there are."),
    lossCount=_count("How much of it takes something away."),
    changes=_list(f"The first {MAX_CHANGES} in words, what takes away first.", _TEXT, MAX_CHANGES),
    deletedCount=_count("How many Roles and Users are deleted."),
    deleted=_list(
        f"The first {MAX_LEFTOVERS} of them: their access goes on.", _WORD, MAX_LEFTOVERS
    ),
    message=_text("In words, with the way out."),
)

_TAKEOVER = _part(
    "Another server, source or past than the remembered one waits for a person.",
    needed=_flag("Whether nothing is written until then."),
    token=_word("What an acceptance must name: exactly this."),
    message=_text("What would be obeyed, with the way out."),
)

_UNMANAGED = _part(
    "Roles that may log in though nobody declares them; absent where unmanagedRoles does not ask.",
    policy=_word("What unmanagedRoles says."),
    count=_count("How many there are."),
    disabled=_count("How many of them it disabled."),
    waits=_text("Why it disables nobody now, with the way out."),
    roles=_list(
        f"The newest {MAX_UNMANAGED} of them.",
        _item(
            "name",
            name=_word("Its name in PostgreSQL."),
            mayLogIn=_flag("Whether it has LOGIN."),
            disabled=_flag("Whether the Regent took its LOGIN."),
            may=_list("Attributes and powerful groups that it has or reaches.", _WORD, MAX_CAUSES),
            appearedAt=_time("When it was found; absent: it was there before."),
            by=_text("Who made it so, as far as it is known."),
            spared=_text("Why Disable leaves it alone."),
            problem=_text("Why the server does not let it be disabled."),
        ),
        MAX_UNMANAGED,
    ),
)

_REGENT = {
    "serverIdentifier": _word(
        "The system identifier of the server. Another one means Observe until it is accepted."
    ),
    "acceptedRevision": _count("The latest desired state it has stored."),
    "appliedRevision": _count("The latest one that is in force."),
    "lastPassTime": _time("When it last looked at everything; written once a minute at most."),
    "managedRoles": _count("Roles in its authority."),
    "held": _count(
        "Resources that could not be compiled; what was last accepted for them stays in force."
    ),
    "drift": _count("Differences found and not corrected."),
    "observing": _text("Why nothing is written; absent when it is."),
    "brake": _BRAKE,
    "approval": _APPROVAL,
    "takeover": _TAKEOVER,
    "detector": _part(
        "How it learns of changes.",
        mode=_word("Triggers, Polling or None."),
        healthy=_flag("Whether it works."),
        message=_text("Why it does not, with the way out."),
    ),
    "unmanaged": _UNMANAGED,
    "paused": _list(
        "Roles whose correction somebody paused, until then.",
        _item(
            "role",
            role=_word("As PostgreSQL calls it."),
            until=_word("When it ends by itself."),
            since=_word("When it was asked for."),
            by=_word("The session user who asked for it."),
            reason=_text("Why, in that one's words."),
            held=_count("How many changes wait for its end."),
            notHeld=_text("Why it holds nothing; empty: it does."),
            resources=_list("What declares the role.", _WORD, MAX_CAUSES),
        ),
        MAX_PAUSES,
    ),
    "contended": _list(
        "Corrections that others undo at least five times in a minute.",
        _item(
            "edge",
            edge=_text("What corrects it, in words."),
            times=_count("How often within the last minute."),
            by=_list("By whom it is undone, as far as it is known.", _TEXT, MAX_ACTORS),
            role=_word("Whom it is about."),
            waits=_flag("Whether it is put off now."),
            resources=_list("What declares it.", _WORD, MAX_CAUSES),
        ),
        MAX_CONTENDED,
    ),
    "leftovers": _list(
        "What of deleted resources could not be taken away yet.",
        _item(
            *("role", "what"),
            role=_word("Whose it is."),
            database=_word("Where; absent for what the whole server shares."),
            what=_text("What is left."),
            message=_text("Why, with the way out."),
        ),
        MAX_LEFTOVERS,
    ),
}
