"""Corrections that somebody undoes again and again: counted, and who it is (rule 26). Pure."""
