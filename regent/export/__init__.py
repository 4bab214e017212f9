"""A server that nobody manages yet, as manifests that change nothing on it (ADR 59). Pure.

What is read goes in, what would have to be declared comes out, with what no declaration says.
`cli/export.py` proves it by the planner: whoever would be changed is left out, and said.
"""

from __future__ import annotations

from regent.export.asked import Asked, Read
from regent.export.export import Exported, export
from regent.export.unsaid import Unsaid

__all__ = ["Asked", "Exported", "Read", "Unsaid", "export"]
