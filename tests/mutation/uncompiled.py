"""A pytest plugin for mutmut: each call compiles its statement anew, so that it is seen which tests reach it."""

import os

import pytest

from chat_persistence.compilation import Compilation


def pytest_configure(config: pytest.Config) -> None:
    # A store compiles each statement once, and mutmut would try its mutants on the first test only.
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        patch = pytest.MonkeyPatch()
        patch.setattr(Compilation, "__getitem__", Compilation._compile)
        config.add_cleanup(patch.undo)
