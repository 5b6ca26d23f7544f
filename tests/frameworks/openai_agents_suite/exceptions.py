"""Which of OpenAI's tests do not apply to ours, and why."""

VERSION = "0.24.0"
FILES = [
    "tests/memory/test_session.py",
    "tests/memory/test_session_limit.py",
    "tests/memory/test_session_context_wrapper.py",
    "tests/memory/test_session_persistence_sanitize.py",
    "tests/test_hitl_session_scenario.py",
    "tests/extensions/memory/test_encrypt_session.py",
    "tests/extensions/memory/test_sqlalchemy_session.py",
    "tests/memory/test_openai_responses_compaction_session.py",
    "tests/memory/test_compaction_model_visibility.py",
    "tests/memory/test_compaction_suffix.py",
    "tests/memory/test_sqlalchemy_compaction.py",
    "tests/utils/test_simple_session.py",
]
EXCEPTIONS = {}
