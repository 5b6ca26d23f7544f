"""All that is logged, by anybody and at any level, searched for words that must not be there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({})))

_OWNER = "user_id"
"""The one field that says what its host chose: the access log is no such log without it."""


class LogWatch(logging.Handler):
    """Searches each record's message, arguments, traceback and further fields, and keeps the places of what it found.

    Of the fields, the owner's may hold any word.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(logging.NOTSET)
        self.records = 0
        self.found: list[str] = []
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        """Search one record."""
        self.records += 1
        fields = [value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD and name != _OWNER]
        said = f"{self.format(record)} {record.args!r} {record.exc_info!r} {fields!r}"
        if any(word in said for word in self._words):
            self.found.append(f"{record.name} {record.levelname}: {record.msg}")


@contextmanager
def watched(*words: str) -> Iterator[LogWatch]:
    """Watch every logger at its lowest level, with nobody else listening; afterwards all is as it was."""
    watch = LogWatch(words)
    root = logging.getLogger()
    loggers = [root, *(each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger))]
    before = [(each, each.level, each.handlers, each.disabled, each.propagate) for each in loggers]
    try:
        for each in loggers:
            each.setLevel(logging.NOTSET)
            each.handlers, each.disabled, each.propagate = [], False, True
        root.setLevel(logging.DEBUG)
        root.handlers = [watch]
        yield watch
    finally:
        for each, level, handlers, disabled, propagate in before:
            each.setLevel(level)
            each.handlers, each.disabled, each.propagate = handlers, disabled, propagate
