"""Durable memory for async chatbots, on PostgreSQL.

async with ChatStore("postgresql://…") as store:
    await store.migrate()
    chat = store.for_user("ada")
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, MessageCreate(role=MessageRole.USER, content="Hi"))
    history = await chat.messages.last(conversation.id, 50)
"""

from chat_persistence.conversations import ConversationRepository
from chat_persistence.derived_ids import conversation_id_of
from chat_persistence.draft import Draft
from chat_persistence.draft_values import DraftRead
from chat_persistence.drafts import DraftRepository
from chat_persistence.encryption import Encryption
from chat_persistence.errors import (
    ChatPersistenceError,
    ConcurrentAppend,
    ConfigurationError,
    ConversationChanged,
    ConversationConflict,
    ConversationNotFound,
    DatabaseFailure,
    DraftClosed,
    EmbeddedPostgresError,
    EncryptedSearch,
    EncryptionKeyMissing,
    ImportStopped,
    InsufficientPrivilege,
    InvalidInput,
    MessageConflict,
    MessageNotFound,
    OrphanedConversations,
    OutcomeUnknown,
    PoolTimeout,
    SchemaMismatch,
    SearchIndexMissing,
    StoreClosed,
    StoreUnavailable,
    TurnTooLong,
    UnitOfWorkClosed,
    UnitOfWorkFailed,
    UserNotFound,
)
from chat_persistence.host_engine import make_host_engine
from chat_persistence.key_ring import KeyRing, WrappedKey
from chat_persistence.key_rotation import KeyRotation
from chat_persistence.load_values import ConversationLoad, LoadProgress, MessageLoad
from chat_persistence.messages import MessageRepository
from chat_persistence.models import Base, Conversation, Message, MessageRole
from chat_persistence.reports import ErasureReceipt, ExportProgress, PruneReport
from chat_persistence.search_values import SearchHit, SnippetPart
from chat_persistence.store import ChatStore
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.usage import Usage
from chat_persistence.user_chats import UserChats
from chat_persistence.user_keys import UserKeys
from chat_persistence.values import (
    ABSENT,
    ConversationCreate,
    ConversationRead,
    ConversationUpdate,
    ConversationWithMessages,
    MessageCreate,
    MessageRead,
    MetadataSwap,
    Page,
    ToolCall,
)

__all__ = [
    "ABSENT",
    "Base",
    "ChatPersistenceError",
    "ChatStore",
    "ConcurrentAppend",
    "ConfigurationError",
    "Conversation",
    "ConversationChanged",
    "ConversationConflict",
    "ConversationCreate",
    "ConversationLoad",
    "ConversationNotFound",
    "ConversationRead",
    "ConversationRepository",
    "ConversationUpdate",
    "ConversationWithMessages",
    "DatabaseFailure",
    "Draft",
    "DraftClosed",
    "DraftRead",
    "DraftRepository",
    "EmbeddedPostgresError",
    "EncryptedSearch",
    "Encryption",
    "EncryptionKeyMissing",
    "ErasureReceipt",
    "ExportProgress",
    "ImportStopped",
    "InsufficientPrivilege",
    "InvalidInput",
    "KeyRing",
    "KeyRotation",
    "LoadProgress",
    "Message",
    "MessageConflict",
    "MessageCreate",
    "MessageLoad",
    "MessageNotFound",
    "MessageRead",
    "MessageRepository",
    "MessageRole",
    "MetadataSwap",
    "OrphanedConversations",
    "OutcomeUnknown",
    "Page",
    "PoolTimeout",
    "PruneReport",
    "SchemaMismatch",
    "SearchHit",
    "SearchIndexMissing",
    "SnippetPart",
    "StoreClosed",
    "StoreUnavailable",
    "ToolCall",
    "TurnTooLong",
    "UnitOfWork",
    "UnitOfWorkClosed",
    "UnitOfWorkFailed",
    "Usage",
    "UserChats",
    "UserKeys",
    "UserNotFound",
    "WrappedKey",
    "conversation_id_of",
    "make_host_engine",
]
