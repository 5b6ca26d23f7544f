"""All checks, in the order in which they run: what harms nobody first."""

from chat_persistence.selftest.check import Check
from chat_persistence.selftest.checks import cancellation, row_level_security

CHECKS: tuple[Check, ...] = (cancellation.CHECK, row_level_security.CHECK)
