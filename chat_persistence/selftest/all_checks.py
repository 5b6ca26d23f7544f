"""All checks, in the order in which they run: what harms nobody first."""

from chat_persistence.selftest.check import Check
from chat_persistence.selftest.checks import cancellation, history

CHECKS: tuple[Check, ...] = (cancellation.CHECK, history.CHECK)
