"""All checks, in the order in which they run: what harms nobody first."""

from chat_persistence.selftest.check import Check
from chat_persistence.selftest.checks import cancellation, errors

CHECKS: tuple[Check, ...] = (cancellation.CHECK, errors.CHECK)
