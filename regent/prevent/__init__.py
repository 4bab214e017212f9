"""Refusing at once what a pass would take back: `enforcement: Prevent` (rule 25, ADR 50)."""
