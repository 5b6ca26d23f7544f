"""The mutants that may survive: no caller can tell them from the original, and why."""

JUDGED: dict[tuple[str, str], str] = {}
"""Why, by function and by what its mutant says in place of the original."""
