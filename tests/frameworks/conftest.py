"""Tests of a framework that is not installed are not there: the lowest versions are tested without some of them."""

from importlib.util import find_spec

FRAMEWORKS = {"openai_agents": "agents", "pydantic_ai": "pydantic_ai"}

collect_ignore_glob = [f"test_{name}_*.py" for name, module in FRAMEWORKS.items() if find_spec(module) is None]
collect_ignore = [] if all(map(find_spec, FRAMEWORKS.values())) else ["test_frameworks_together.py"]
