"""Hosts with and without OpenTelemetry, each a process: the global provider of one is set once."""

import subprocess
import sys

import pytest

HOST = """
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider, set_tracer_provider
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
set_tracer_provider(provider)
"""
STORE = """
import asyncio, sys
from chat_persistence import ChatStore
async def main():
    async with ChatStore(sys.argv[1], {options}) as store:
        await store.users(limit=1)
asyncio.run(main())
"""
TOLD = "print([span.name for span in spans.get_finished_spans()])"


def run(script: str, url: str) -> str:
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("options", "names"),
    [("", ["users"]), ("tracer_provider=NoOpTracerProvider(), meter_provider=NoOpMeterProvider()", [])],
)
def test_the_hosts_own_providers_are_told_unless_others_are_given(
    migrated_database: str, options: str, names: list[str]
) -> None:
    assert run(HOST + STORE.format(options=options) + TOLD, migrated_database) == str(names)


def test_a_store_works_where_opentelemetry_is_not_installed(migrated_database: str) -> None:
    blocked = "import sys; sys.modules['opentelemetry'] = None"
    assert run(blocked + STORE.format(options="") + "print('done')", migrated_database) == "done"


def test_an_import_of_the_library_imports_no_opentelemetry() -> None:
    imported = "[name for name in sys.modules if name.startswith('opentelemetry')]"
    assert run(f"import sys, chat_persistence; print({imported})", "") == "[]"
