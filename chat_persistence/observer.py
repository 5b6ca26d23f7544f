"""Who is told of operations: the access log and OpenTelemetry. What fails in telling never reaches a caller."""

import logging
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from chat_persistence import access_log, operations
from chat_persistence.connection import Place
from chat_persistence.operations import Operation

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from chat_persistence.open_telemetry import OpenTelemetry, Telling

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Observer:
    """The listeners of one store. Where OpenTelemetry is not set up, only the log."""

    def __init__(
        self,
        place: Place,
        schema: str | None,
        tracer_provider: "TracerProvider | None" = None,
        meter_provider: "MeterProvider | None" = None,
    ) -> None:
        self._open_telemetry = _safely(_find, place, schema, tracer_provider, meter_provider)

    def is_listening(self) -> bool:
        """Whether anybody wants to be told; costs next to nothing."""
        return self._open_telemetry is not None or access_log.is_wanted()

    def begin(self, name: str, user_id: str | None = None, conversation_id: object = None) -> "Observation":
        """Begin to observe an operation."""
        return Observation(Operation(name, user_id, conversation_id), self._open_telemetry)


class Observation:
    """One operation under observation: `with` it, or to its `end`."""

    def __init__(self, operation: Operation, open_telemetry: "OpenTelemetry | None") -> None:
        self._operation = operation
        self._telling: Telling | None = None
        if open_telemetry is not None:
            self._telling = _safely(open_telemetry.begin, operation)

    def __enter__(self) -> Operation:
        self._outer = operations.current.get()
        operations.current.set(self._operation)
        return self._operation

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        operations.current.set(self._outer)  # not by a token: a coroutine may be closed in another context
        self.end(exc)

    def end(self, error: BaseException | None) -> None:
        """Tell of the operation, while its span is still the current one, so that a log can name the trace."""
        operation, telling = self._operation, self._telling
        operation.ended(error)
        if telling is not None:
            _safely(telling.end, operation)
        if access_log.is_wanted():
            _safely(access_log.write, operation)
        if telling is not None:
            _safely(telling.leave)


def _find(
    place: Place,
    schema: str | None,
    tracer_provider: "TracerProvider | None",
    meter_provider: "MeterProvider | None",
) -> "OpenTelemetry | None":
    try:
        from chat_persistence.open_telemetry import OpenTelemetry
    except ModuleNotFoundError:
        return None
    found = OpenTelemetry(place, schema, tracer_provider, meter_provider)
    return found if found.is_listening else None


def _safely(tell: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer | None:
    try:
        return tell(*args, **kwargs)
    except Exception as error:
        # What a host's own handler or processor says may hold anything; and it may be logging that fails.
        with suppress(Exception):
            _log.warning("telemetry failed: %s", type(error).__name__)
    return None
