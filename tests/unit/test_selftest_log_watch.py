"""The watch over all that is logged."""

import logging

from chat_persistence.selftest.log_watch import watched

LOG = logging.getLogger("somebody.else")


def test_it_finds_a_word_in_a_message_an_argument_and_a_traceback_at_any_level() -> None:
    with watched("secret") as watch:
        LOG.debug("a secret")
        LOG.info("%s", ["secret"])
        try:
            raise ValueError("secret")
        except ValueError:
            LOG.warning("failed", exc_info=True)
        LOG.error("nothing")

    assert (watch.records, watch.found) == (
        4,
        ["somebody.else DEBUG: a secret", "somebody.else INFO: %s", "somebody.else WARNING: failed"],
    )


def test_it_finds_a_word_in_a_further_field_unless_that_is_the_owner() -> None:
    with watched("secret") as watch:
        LOG.info("one", extra={"title": "a secret", "user_id": "ada"})
        LOG.info("two", extra={"title": None, "user_id": "a secret"})

    assert watch.found == ["somebody.else INFO: one"]


def test_afterwards_every_logger_is_as_it_was() -> None:
    root, before = logging.getLogger(), (LOG.level, LOG.propagate)
    handlers = list(root.handlers)

    with watched("secret"):
        assert root.handlers != handlers

    assert root.handlers == handlers
    assert (LOG.level, LOG.propagate) == before
