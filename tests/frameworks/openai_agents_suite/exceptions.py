"""OpenAI's tests of sessions: the files that are run, and each test in them that does not apply to ours, and why.

A name without brackets stands for the test with all its parameters.
"""

VERSION = "0.24.0"
"""Whose tests these are. With a later version, what has changed is found out by the failure of ours."""

_MEMORY = "tests/memory/"
_EXTENSIONS = "tests/extensions/memory/"

SESSION = f"{_MEMORY}test_session.py"
LIMIT = f"{_MEMORY}test_session_limit.py"
COMPACTION = f"{_MEMORY}test_openai_responses_compaction_session.py"
VISIBILITY = f"{_MEMORY}test_compaction_model_visibility.py"
SUFFIX = f"{_MEMORY}test_compaction_suffix.py"
SQLALCHEMY_COMPACTION = f"{_MEMORY}test_sqlalchemy_compaction.py"
ENCRYPTED = f"{_EXTENSIONS}test_encrypt_session.py"
SQLALCHEMY = f"{_EXTENSIONS}test_sqlalchemy_session.py"
LIST = "tests/utils/test_simple_session.py"

FILES = (
    *(SESSION, LIMIT, COMPACTION, VISIBILITY, SUFFIX, SQLALCHEMY_COMPACTION, ENCRYPTED, SQLALCHEMY, LIST),
    "tests/test_hitl_session_scenario.py",
)
"""Not run: `test_session_context_wrapper.py` and `test_session_persistence_sanitize.py`, which make no session that
ours could stand for (the one has classes of its own, the other is about items), and those of other stores."""

EXCEPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "looks into SQLite's connections, locks, tables or file": {
        SESSION: (
            "test_sqlite_session_close_closes_worker_thread_connections",
            "test_sqlite_session_reaps_connections_from_exited_worker_threads",
            "test_sqlite_session_closes_retired_connections_before_the_next_allocation",
            "test_sqlite_session_keeps_connections_of_live_worker_threads",
            "test_sqlite_session_file_lock_is_shared_across_instances",
            "test_sqlite_session_failed_clear_session_rolls_back",
            "test_sqlite_session_failed_pop_item_releases_write_lock",
            "test_sqlite_session_rollback_failure_evicts_connection",
            "test_sqlite_session_close_retries_quarantined_connection",
            "test_sqlite_session_post_commit_cancellation_propagates_after_known_outcome",
        ),
        COMPACTION: (
            "TestOpenAIResponsesCompactionSession::test_settled_pop_failure_invalidates_response_chain",
            "TestOpenAIResponsesCompactionSession::test_settled_clear_failure_invalidates_response_chain",
        ),
        SUFFIX: (
            "test_suffix_transaction_rolls_back_failed_insert[sqlite]",
            "test_cancelled_suffix_transaction_settles_before_newer_append[sqlite]",
            "test_failed_encrypted_suffix_transaction_preserves_original_tokens[sqlite-False]",
            "test_failed_encrypted_suffix_transaction_preserves_original_tokens[sqlite-True]",
        ),
    },
    "looks into SQLAlchemySession's engine, tables, locks or transactions": {
        SQLALCHEMY: (
            "test_sqlalchemy_session_defaults_to_escaped_non_ascii_storage",
            "test_sqlalchemy_session_can_store_non_ascii_without_escaping",
            "test_sqlite_fallback_reserves_writer_before_tail_claim",
            "test_pop_item_supports_unknown_delete_rowcount",
            "test_pop_item_retries_returning_claim_lost_to_concurrent_delete",
            "test_mutation_cancellation_waits_for_transaction_exit",
            "test_add_items_cancelled_waiter_does_not_strand_table_init_lock",
            "test_create_tables_false_does_not_allocate_shared_init_lock",
            "test_engine_property_is_read_only",
            "test_sqlite_configuration_registry_releases_collected_engines",
            "test_sqlite_configuration_registry_does_not_grow_unbounded",
        ),
        SQLALCHEMY_COMPACTION: (
            "test_replacement_uses_timestamp_order_not_id_order",
            "test_cancelled_replacement_settles_before_other_instance_append",
            "test_failed_replacement_preserves_history_during_other_instance_access",
            "test_parent_constraint_rejection_propagates",
        ),
    },
    "sets the times of rows; here positions order them": {
        SQLALCHEMY: (
            "test_get_items_same_timestamp_consistent_order",
            "test_pop_item_same_timestamp_returns_latest",
            "test_get_items_orders_by_id_for_ties",
        ),
    },
    "writes rows that are no JSON by hand; here a column of JSON cannot hold them": {
        SESSION: (
            "test_sqlite_session_pop_item_skips_corrupt_most_recent",
            "test_sqlite_session_pop_item_returns_none_after_dropping_only_corrupt_rows",
            "test_sqlite_session_get_items_limit_skips_corrupt_newest_rows",
            "test_sqlite_session_get_items_session_settings_limit_skips_corrupt_rows",
        ),
        SQLALCHEMY: (
            "test_pop_item_skips_corrupt_most_recent",
            "test_get_items_limit_skips_corrupt_newest_rows",
            "test_pop_item_returns_none_after_dropping_only_corrupt_rows",
        ),
    },
    "wants a TypeError for what is no JSON; here it is InvalidInput, before any SQL": {
        SESSION: ("test_sqlite_session_failed_add_items_releases_write_lock",),
    },
    "closes the session; here the store is opened and closed, and a session holds nothing": {
        SESSION: ("test_sqlite_session_closed_rejects_empty_add_items",),
    },
    "wants a window that begins with a tool's result, which the runner then drops; here it is left out at once": {
        LIMIT: ("test_session_limit_drops_unmatched_history_function_call_output",),
    },
    "is about what EncryptedSession does inside SQLite's transaction and with no other store": {
        ENCRYPTED: (
            "test_encrypted_pop_wrong_key_preserves_recoverable_history",
            "test_encrypted_pop_rechecks_authentication_after_expired_tail",
            "test_encrypted_pop_authentication_is_atomic_with_concurrent_mutations",
            "test_encrypted_pop_wrong_key_preserves_row_identity",
            "test_encrypted_pop_cancellation_waits_for_authentication_rollback",
        ),
    },
    "wants a compaction to delete what has expired before the window; here only the end of a log is ever deleted, and"
    " expired items, which EncryptedSession skips, stay": {
        VISIBILITY: (
            "test_automatic_compaction_does_not_reload_unbounded_hidden_history[outer-True]",
            "test_automatic_compaction_does_not_reload_unbounded_hidden_history[inner-True]",
            "test_expired_read_overhead_does_not_authorize_hidden_history",
        ),
        SUFFIX: (
            "test_expired_prefix_does_not_block_full_live_window[sqlite-40-False]",
            "test_expired_prefix_does_not_block_full_live_window[sqlite-40-True]",
            "test_repeated_ttl_bursts_do_not_accumulate_expired_rows[sqlite-False]",
            "test_repeated_ttl_bursts_do_not_accumulate_expired_rows[sqlite-True]",
            "test_prefix_cleanup_stops_before_retained_history[sqlite-live]",
            "test_prefix_cleanup_stops_before_retained_history[sqlite-wrong-key]",
        ),
        SQLALCHEMY_COMPACTION: (
            "test_encrypted_prefix_cleanup_is_atomic",
            "test_encrypted_unknown_row_is_retained",
        ),
    },
    "looks into the list that it keeps its items in": {
        LIST: ("test_simple_list_session_preserves_history_and_saved_items",),
        COMPACTION: (
            "TestOpenAIResponsesCompactionSession"
            "::test_run_compaction_restores_history_when_cancelled_again_during_restore",
        ),
    },
}
