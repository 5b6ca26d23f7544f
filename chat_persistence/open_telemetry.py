"""Operations told as OpenTelemetry spans and metrics, by its conventions for databases and for GenAI.

The only module that knows OpenTelemetry; it is imported when a store is opened, if it can be. No span tells a user,
a statement, a parameter or the message of an error.
"""

from importlib.metadata import version
from typing import NamedTuple

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from chat_persistence.connection import Place
from chat_persistence.operations import CANCELLED, UNIT_OF_WORK, Operation

Attributes = dict[str, str | int]

SCOPE = "chat_persistence"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""In seconds, as the conventions advise for `db.client.operation.duration`."""


class Described(NamedTuple):
    """What all calls of one method have in common."""

    span_name: str
    kind: SpanKind
    attributes: Attributes


class OpenTelemetry:
    """The tracer and the meter of one store: of the providers given, or of those that the host has set before."""

    def __init__(
        self,
        place: Place,
        schema: str | None,
        tracer_provider: trace.TracerProvider | None,
        meter_provider: metrics.MeterProvider | None,
    ) -> None:
        library = version("chat-persistence")
        self._tracer = trace.get_tracer(SCOPE, library, tracer_provider, SCHEMA_URL)
        meter = metrics.get_meter(SCOPE, library, meter_provider, SCHEMA_URL)
        self.is_listening = _does_something(self._tracer) or _does_something(meter)
        self._durations = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        self._place = _attributes_of(place, schema)
        self._described: dict[str, Described] = {}

    def begin(self, operation: Operation) -> "Telling":
        """Begin the span of an operation, and make it the current one."""
        described = self._described.get(operation.name)
        if described is None:
            described = self._described[operation.name] = self._describe(operation.name)
        span = self._tracer.start_span(described.span_name, kind=described.kind, attributes=described.attributes)
        return Telling(span, described, self._durations)

    def _describe(self, name: str) -> Described:
        if name == UNIT_OF_WORK:
            return Described(name, SpanKind.INTERNAL, self._place)
        collection, _, verb = name.rpartition(".")
        summary = f"{verb} {collection}" if collection else verb
        attributes: Attributes = {**self._place, "db.operation.name": verb, "db.query.summary": summary}
        if collection:
            attributes["db.collection.name"] = collection
        return Described(summary, SpanKind.CLIENT, attributes)


class Telling:
    """The span of one operation while it runs."""

    __slots__ = ("_before", "_described", "_durations", "_span")

    def __init__(self, span: trace.Span, described: Described, durations: metrics.Histogram) -> None:
        self._span = span
        self._described = described
        self._durations = durations
        self._before = context.get_current()
        context.attach(trace.set_span_in_context(span, self._before))

    def end(self, operation: Operation) -> None:
        """Measure the operation, as one of this trace, and end its span."""
        if self._described.kind is SpanKind.CLIENT:
            self._durations.record(operation.seconds, self._described.attributes | _failure(operation))
        if self._span.is_recording():
            self._span.set_attributes(_failure(operation) | _answer(operation))
            # Who went away is no failure of the database.
            if operation.error is not None and operation.outcome != CANCELLED:
                self._span.set_status(StatusCode.ERROR)
        self._span.end()

    def leave(self) -> None:
        """Make the span before it the current one again, unless the host has changed it meanwhile."""
        # Not `detach`, which logs an error where a unit of work ends in another task than it began in.
        if trace.get_current_span() is self._span:
            context.attach(self._before)


def _does_something(made: trace.Tracer | metrics.Meter) -> bool:
    # Those of the API do nothing; an SDK that is switched off gives them out, too.
    return not type(made).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


def _attributes_of(place: Place, schema: str | None) -> Attributes:
    attributes: Attributes = {"db.system.name": "postgresql"}
    if place.database:
        attributes["db.namespace"] = f"{place.database}|{schema}" if schema else place.database
    if place.host:
        attributes["server.address"] = place.host
        if place.port:
            attributes["server.port"] = place.port
    return attributes


def _failure(operation: Operation) -> Attributes:
    if operation.error is None:
        return {}
    failure: Attributes = {"error.type": operation.outcome}
    if operation.sqlstate:
        failure["db.response.status_code"] = operation.sqlstate
    return failure


def _answer(operation: Operation) -> Attributes:
    answer: Attributes = {}
    if operation.conversation_id:
        answer["gen_ai.conversation.id"] = str(operation.conversation_id)
    if operation.rows is not None:
        answer["db.response.returned_rows"] = operation.rows
    if operation.retries:
        answer["chat_persistence.retries"] = operation.retries
    return answer
