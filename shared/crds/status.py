"""What a status may hold: the fields that the API server keeps, everything else it would drop.

The words are those of shared/http.py and shared/outcomes.py, as the controller writes them.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
MAX_REGENTS = 64
MAX_LEFTOVERS = 100
MAX_LOSSES = 50
MAX_UNMANAGED = 50

_TEXT = {"type": "string", "maxLength": 32_768}
_WORD = {"type": "string", "maxLength": 1_024}
_COUNT = {"type": "integer", "format": "int64"}


def status_schema(kind: str) -> Schema:
    """The status of one kind. Its default is what says "nobody has looked at this yet".

    Without conditions kstatus, and so Flux, takes an object to be current; an observed generation
    of -1 keeps it from that until the controller has written.
    """
    shown = _regent() if kind == "Regent" else _declared(kind)
    return {
        "description": "What the controller reports.",
        "type": "object",
        "default": {"observedGeneration": -1},
        "properties": {
            "observedGeneration": {
                **_COUNT,
                "description": "The generation that the rest of this status is about; -1: none.",
            },
            "conditions": _conditions(),
            **shown,
        },
    }


def _conditions() -> Schema:
    return {
        "description": "Ready, and Reconciling or Stalled while it is not.",
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 316, "description": "Such as Ready."},
                "status": {
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                    "description": "Whether it holds.",
                },
                "observedGeneration": {
                    **_COUNT,
                    "description": "The generation that it was said of.",
                },
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When `status` changed last.",
                },
                "reason": {**_WORD, "description": "Why, in one CamelCase word."},
                "message": {**_TEXT, "description": "Why, in words, with the way out."},
            },
        },
    }


def _declared(kind: str) -> Schema:
    fields: Schema = {
        "regents": _regents(),
        "regentCount": {**_COUNT, "description": "How many Regents it is on."},
        "readyCount": {**_COUNT, "description": "On how many of them it is ready."},
    }
    if kind == "Permission":
        fields["matches"] = {
            **_COUNT,
            "description": "Objects that its patterns match now, on all Regents; 0 is a warning.",
        }
    if kind == "User":
        fields["passwordSecretVersion"] = {
            **_WORD,
            "description": "The version of the Secret whose password is in force.",
        }
    return fields


def _regents() -> Schema:
    return {
        "description": f"What became of it on each Regent, for the first {MAX_REGENTS} by name.",
        "type": "array",
        "maxItems": MAX_REGENTS,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["namespace", "name"],
        "items": {
            "type": "object",
            "required": ["namespace", "name"],
            "properties": {
                "namespace": {**_WORD, "description": "Namespace of the Regent."},
                "name": {**_WORD, "description": "Name of the Regent."},
                "state": {
                    "type": "string",
                    "enum": ["Ready", "Reconciling", "Stalled"],
                    "description": "Ready: seen in the catalog as declared.",
                },
                "reason": {**_WORD, "description": "Why, in one CamelCase word."},
                "message": {**_TEXT, "description": "Why, in words, with the way out."},
                "matches": {**_COUNT, "description": "Objects that patterns match there now."},
                "notes": {
                    "description": "What is worth knowing and stops nothing.",
                    "type": "array",
                    "maxItems": 64,
                    "x-kubernetes-list-type": "atomic",
                    "items": _TEXT,
                },
            },
        },
    }


def _regent() -> Schema:
    return {
        "serverIdentifier": {
            **_WORD,
            "description": "The system identifier of the server. Another one means Observe until "
            "it is accepted.",
        },
        "acceptedRevision": {**_COUNT, "description": "The latest desired state it has stored."},
        "appliedRevision": {**_COUNT, "description": "The latest one that is in force."},
        "lastPassTime": {
            "type": "string",
            "format": "date-time",
            "description": "When it last looked at everything; written once a minute at most.",
        },
        "managedRoles": {**_COUNT, "description": "Roles in its authority."},
        "held": {
            **_COUNT,
            "description": "Resources that could not be compiled; what was last accepted for them "
            "stays in force.",
        },
        "drift": {**_COUNT, "description": "Differences found and not corrected."},
        "observing": {**_TEXT, "description": "Why nothing is written; absent when it is."},
        "brake": _brake(),
        "takeover": _takeover(),
        "detector": {
            "description": "How it learns of changes.",
            "type": "object",
            "properties": {
                "mode": {**_WORD, "description": "Triggers, Polling or None."},
                "healthy": {"type": "boolean", "description": "Whether it works."},
                "message": {**_TEXT, "description": "Why it does not, with the way out."},
            },
        },
        "unmanaged": _unmanaged(),
        "contended": {
            "description": "Corrections that others undo at least five times in a minute.",
            "type": "array",
            "maxItems": 20,
            "x-kubernetes-list-type": "atomic",
            "items": {
                "type": "object",
                "required": ["edge"],
                "properties": {
                    "edge": {**_TEXT, "description": "What corrects it, in words."},
                    "times": {**_COUNT, "description": "How often within the last minute."},
                    "by": {
                        "description": "By whom it is undone, as far as it is known.",
                        "type": "array",
                        "maxItems": 16,
                        "x-kubernetes-list-type": "atomic",
                        "items": _TEXT,
                    },
                    "role": {**_WORD, "description": "Whom it is about."},
                    "resources": {
                        "description": "What declares it.",
                        "type": "array",
                        "maxItems": 256,
                        "x-kubernetes-list-type": "atomic",
                        "items": _WORD,
                    },
                },
            },
        },
        "leftovers": {
            "description": "What of deleted resources could not be taken away yet.",
            "type": "array",
            "maxItems": MAX_LEFTOVERS,
            "x-kubernetes-list-type": "atomic",
            "items": {
                "type": "object",
                "required": ["role", "what"],
                "properties": {
                    "role": {**_WORD, "description": "Whose it is."},
                    "database": {
                        **_WORD,
                        "description": "Where; absent for what the whole server shares.",
                    },
                    "what": {**_TEXT, "description": "What is left."},
                    "message": {**_TEXT, "description": "Why, with the way out."},
                },
            },
        },
    }


def _unmanaged() -> Schema:
    return {
        "description": "Roles that may log in though nobody declares them; absent where "
        "unmanagedRoles does not ask.",
        "type": "object",
        "properties": {
            "policy": {**_WORD, "description": "What unmanagedRoles says."},
            "count": {**_COUNT, "description": "How many there are."},
            "disabled": {**_COUNT, "description": "How many of them it disabled."},
            "waits": {**_TEXT, "description": "Why it disables nobody now, with the way out."},
            "roles": {
                "description": f"The newest {MAX_UNMANAGED} of them.",
                "type": "array",
                "maxItems": MAX_UNMANAGED,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {**_WORD, "description": "Its name in PostgreSQL."},
                        "mayLogIn": {"type": "boolean", "description": "Whether it has LOGIN."},
                        "disabled": {
                            "type": "boolean",
                            "description": "Whether the Regent took its LOGIN.",
                        },
                        "may": {
                            "description": "Attributes and powerful groups that it has or reaches.",
                            "type": "array",
                            "maxItems": 256,
                            "x-kubernetes-list-type": "atomic",
                            "items": _WORD,
                        },
                        "appearedAt": {
                            "type": "string",
                            "format": "date-time",
                            "description": "When it was found; absent: it was there before.",
                        },
                        "by": {**_TEXT, "description": "Who made it so, as far as it is known."},
                        "spared": {**_TEXT, "description": "Why Disable leaves it alone."},
                        "problem": {
                            **_TEXT,
                            "description": "Why the server does not let it be disabled.",
                        },
                    },
                },
            },
        },
    }


def _takeover() -> Schema:
    return {
        "description": "Another server, source or past than the remembered one waits for a person.",
        "type": "object",
        "properties": {
            "needed": {"type": "boolean", "description": "Whether nothing is written until then."},
            "token": {**_WORD, "description": "What an acceptance must name: exactly this."},
            "message": {**_TEXT, "description": "What would be obeyed, with the way out."},
        },
    }


def _brake() -> Schema:
    return {
        "description": "What is withheld until somebody releases it.",
        "type": "object",
        "properties": {
            "pulled": {"type": "boolean", "description": "Whether losses are withheld."},
            "digest": {
                **_WORD,
                "description": "What a release must name: exactly these losses, once.",
            },
            "lossCount": {**_COUNT, "description": "How many losses there are."},
            "message": {**_TEXT, "description": "Why, with the way out."},
            "losses": {
                "description": f"The first {MAX_LOSSES} of them.",
                "type": "array",
                "maxItems": MAX_LOSSES,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["role", "kind", "privilege"],
                    "properties": {
                        "role": {**_WORD, "description": "Who would lose it."},
                        "kind": {
                            **_WORD,
                            "description": "Kind of the object, or Membership, Login, Role.",
                        },
                        "privilege": {**_WORD, "description": "What would be lost."},
                        "detail": {**_TEXT, "description": "On what."},
                    },
                },
            },
        },
    }
