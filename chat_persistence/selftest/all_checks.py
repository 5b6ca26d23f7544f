"""All checks, in the order in which they run: what harms nobody first."""

from chat_persistence.selftest.check import Check
from chat_persistence.selftest.checks import (
    black_hole,
    cancellation,
    closing,
    deadline_storm,
    errors,
    failed_units,
    history,
    hostile_data,
    injection,
    killed_receivers,
    lost_answers,
    oversize,
    poisoned_rows,
    poolers,
    row_level_security,
    server_loss,
    serverless,
)

CHECKS: tuple[Check, ...] = (
    cancellation.CHECK,
    deadline_storm.CHECK,
    closing.CHECK,
    lost_answers.CHECK,
    failed_units.CHECK,
    history.CHECK,
    killed_receivers.CHECK,
    black_hole.CHECK,
    errors.CHECK,
    hostile_data.CHECK,
    oversize.CHECK,
    poisoned_rows.CHECK,
    injection.CHECK,
    row_level_security.CHECK,
    poolers.CHECK,
    serverless.CHECK,
    server_loss.CHECK,
)
