"""All checks, in the order in which they run: what harms nobody first."""

from chat_persistence.selftest.check import Check
from chat_persistence.selftest.checks import cancellation, errors, hostile_data, injection, oversize, poisoned_rows

CHECKS: tuple[Check, ...] = (
    cancellation.CHECK,
    errors.CHECK,
    hostile_data.CHECK,
    oversize.CHECK,
    poisoned_rows.CHECK,
    injection.CHECK,
)
