"""Spans and metrics: one for each operation, by the conventions, in the host's trace, and nothing of what was said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import ChatStore, ConversationNotFound, MessageCreate, SchemaMismatch, StoreUnavailable
from chat_persistence.selftest.methods import ALONE, METHODS, new_target
from tests.servers import make_read_only


def user(content: str) -> MessageCreate:
    return MessageCreate(role="user", content=content)


class Host:
    """What a host sets up to be told, and what it was told."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._metrics])
        self.tracer = self.tracer_provider.get_tracer("the host")

    def store(self, url: str | None = None, **options: Any) -> ChatStore:
        return ChatStore(url, tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, **options)

    def forget(self) -> None:
        self._spans.clear()

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._spans.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def durations(self) -> dict[str, HistogramDataPoint]:
        """Return what was measured, by the operation."""
        data = self._metrics.get_metrics_data()
        assert data is not None
        (scope,) = data.resource_metrics[0].scope_metrics
        (metric,) = scope.metrics
        assert (metric.name, metric.unit) == ("db.client.operation.duration", "s")
        points = [point for point in metric.data.data_points if isinstance(point, HistogramDataPoint)]
        return {str((point.attributes or {})["db.query.summary"]): point for point in points}

    def everything(self) -> str:
        return str([span.to_json() for span in self.spans]) + str(self._metrics.get_metrics_data())


class Failing(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.name == "append messages":
            raise ValueError("my secret")

    def on_end(self, span: ReadableSpan) -> None:
        raise ValueError("my secret")


def place(url: str) -> dict[str, str | int]:
    """Return what the conventions say of where a database is."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host, port = query.get("host", parts.hostname), query.get("port", parts.port)
    told: dict[str, str | int] = {"db.namespace": parts.path[1:]}
    told |= {"server.address": host} if host else {}
    return told | ({"server.port": int(port)} if host and port else {})


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def observed(host: Host, migrated_database: str) -> AsyncIterator[ChatStore]:
    async with host.store(migrated_database) as store:
        yield store


def parent(span: ReadableSpan) -> int | None:
    return span.parent and span.parent.span_id


def id_of(span: ReadableSpan) -> int | None:
    context = span.get_span_context()
    return context and context.span_id


async def test_an_append_is_one_span_by_the_conventions(
    host: Host, observed: ChatStore, user_id: str, migrated_database: str
) -> None:
    conversation = await observed.for_user(user_id).conversations.create()
    await observed.for_user(user_id).messages.append(conversation.id, user("Hi"), user("there"))

    span = host.span("append messages")
    assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.operation.name": "append",
        "db.collection.name": "messages",
        "db.query.summary": "append messages",
        "gen_ai.conversation.id": str(conversation.id),
        "db.response.returned_rows": 2,
        **place(migrated_database),
    }


@pytest.mark.parametrize("name", ALONE)
async def test_each_method_is_one_span_of_its_name(host: Host, observed: ChatStore, user_id: str, name: str) -> None:
    target = await new_target(observed, user_id, "text")
    host.forget()

    await ALONE[name](observed, target)

    subject, _, verb = name.split()[0].rpartition(".")
    assert [span.name for span in host.spans] == [f"{verb} {subject}".strip()]


async def test_an_operation_belongs_to_the_hosts_trace_and_leaves_it_as_it_was(
    host: Host, observed: ChatStore, user_id: str
) -> None:
    with host.tracer.start_as_current_span("request") as request:
        await observed.for_user(user_id).conversations.page()
        assert trace.get_current_span() is request

    assert parent(host.span("page conversations")) == request.get_span_context().span_id
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_operations_at_once_stay_in_their_own_traces(host: Host, observed: ChatStore, user_id: str) -> None:
    async def request(number: int) -> tuple[int, str]:
        with host.tracer.start_as_current_span(f"request {number}") as span:
            conversation = await observed.for_user(f"{user_id}-{number}").conversations.create()
            await observed.for_user(f"{user_id}-{number}").messages.append(conversation.id, user("Hi"))
            return span.get_span_context().span_id, str(conversation.id)

    requests = await asyncio.gather(*map(request, range(20)))

    appends = [span for span in host.spans if span.name == "append messages"]
    told = {(parent(span), (span.attributes or {})["gen_ai.conversation.id"]) for span in appends}
    assert told == set(requests)


async def test_a_refusal_is_told_by_its_type_alone(host: Host, observed: ChatStore, user_id: str) -> None:
    with pytest.raises(ConversationNotFound):
        await observed.for_user(user_id).conversations.get(uuid4())

    span = host.span("get conversations")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.status.description, span.events) == (None, ())
    assert (span.attributes or {})["error.type"] == "ConversationNotFound"


async def test_a_failure_is_told_with_its_sqlstate_and_how_often_it_was_tried_again(
    host: Host, empty_database: str
) -> None:
    async with host.store(empty_database) as store:
        await store.migrate()
        await make_read_only(empty_database)
        with pytest.raises(StoreUnavailable):
            await store.for_user("ada").conversations.create()

    attributes = host.span("create conversations").attributes or {}
    failure = {"error.type": "StoreUnavailable", "db.response.status_code": "25006"}
    assert attributes.items() >= {**failure, "chat_persistence.retries": 2}.items()
    assert (host.durations()["create conversations"].attributes or {}).items() >= failure.items()


async def test_a_unit_of_work_is_a_span_around_its_operations(host: Host, observed: ChatStore, user_id: str) -> None:
    with host.tracer.start_as_current_span("request") as request:
        async with observed.unit_of_work(user_id) as work:
            conversation = await work.conversations.create()
            with host.tracer.start_as_current_span("of the host"):
                await work.messages.append(conversation.id, user("Hi"))
        assert trace.get_current_span() is request

    unit = host.span("unit_of_work")
    assert (unit.kind, parent(unit)) == (SpanKind.INTERNAL, request.get_span_context().span_id)
    assert parent(host.span("create conversations")) == parent(host.span("of the host")) == id_of(unit)
    assert parent(host.span("append messages")) == id_of(host.span("of the host"))


async def test_a_unit_of_work_that_was_rolled_back_says_why_by_the_type_alone(
    host: Host, observed: ChatStore, user_id: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with observed.unit_of_work(user_id):
            raise ZeroDivisionError("my secret")

    unit = host.span("unit_of_work")
    assert (unit.status.status_code, (unit.attributes or {})["error.type"]) == (StatusCode.ERROR, "ZeroDivisionError")
    assert "my secret" not in host.everything()


async def test_a_unit_of_work_may_end_in_another_task(
    host: Host, observed: ChatStore, user_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    work = observed.unit_of_work(user_id)
    await asyncio.create_task(work.__aenter__())
    await asyncio.create_task(work.__aexit__(None, None, None))

    assert host.span("unit_of_work").end_time
    assert caplog.records == []


async def test_a_cancelled_caller_ends_its_span_which_is_no_failure(
    host: Host, observed: ChatStore, user_id: str
) -> None:
    conversation = await observed.for_user(user_id).conversations.create()
    async with observed.unit_of_work(user_id) as work:
        await work.conversations.rename(conversation.id, "Rome")
        waiting = asyncio.create_task(observed.for_user(user_id).messages.append(conversation.id, user("Hi")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    span = host.span("append messages")
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.UNSET, "cancelled")


async def test_durations_are_measured_in_the_buckets_of_the_conventions(
    host: Host, observed: ChatStore, user_id: str, migrated_database: str
) -> None:
    for _ in range(3):
        await observed.for_user(user_id).messages.last(uuid4())

    point = host.durations()["last messages"]
    assert (point.count, 0 < point.sum < 60) == (3, True)
    assert list(point.explicit_bounds) == [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
    assert dict(point.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.operation.name": "last",
        "db.collection.name": "messages",
        "db.query.summary": "last messages",
        **place(migrated_database),
    }


async def test_the_schema_and_the_place_of_a_hosts_engine_are_told(host: Host, host_engine: AsyncEngine) -> None:
    async with host.store(engine=host_engine, schema="elsewhere") as store:
        with pytest.raises(SchemaMismatch):
            await store.users()

    told = dict(host.span("users").attributes or {})
    assert told["db.namespace"] == f"{host_engine.url.database}|elsewhere"
    assert told.get("server.address") == host_engine.url.host


async def test_a_processor_that_fails_fails_no_operation(
    migrated_database: str, user_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = Host()
    host.tracer_provider.add_span_processor(Failing())
    async with host.store(migrated_database) as store:
        conversation = await store.for_user(user_id).conversations.create()
        async with store.unit_of_work(user_id) as work:
            await work.messages.append(conversation.id, user("Hi"))

        assert len(await store.for_user(user_id).messages.last(conversation.id)) == 1
    assert "telemetry failed: ValueError" in caplog.messages
    assert "my secret" not in caplog.text
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_nothing_of_what_was_said_is_told(host: Host, observed: ChatStore, user_id: str) -> None:
    secret = f"secret-{uuid4()}"
    for name, call in METHODS.items():
        await call(observed, await new_target(observed, f"{user_id}-{secret}-{name}", secret))

    assert len(host.spans) > len(METHODS)
    assert secret not in host.everything()
