"""Durable memory for async chatbots, on PostgreSQL.

async with ChatStore("postgresql://…") as store:
    await store.migrate()
    chat = store.for_user("ada")
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, MessageCreate(role=MessageRole.USER, content="Hi"))
    history = await chat.messages.last(conversation.id, 50)
"""

from chat_persistence.conversations import ConversationRepository
from chat_persistence.errors import (
    ChatPersistenceError,
    ConcurrentAppend,
    ConfigurationError,
    ConversationChanged,
    ConversationNotFound,
    DatabaseFailure,
    EmbeddedPostgresError,
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
from chat_persistence.messages import MessageRepository
from chat_persistence.models import Base, Conversation, Message, MessageRole
from chat_persistence.search_values import SearchHit, SnippetPart
from chat_persistence.store import ChatStore
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.user_chats import UserChats
from chat_persistence.values import (
    ABSENT,
    ConversationCreate,
    ConversationLoad,
    ConversationRead,
    ConversationUpdate,
    ConversationWithMessages,
    LoadProgress,
    MessageCreate,
    MessageLoad,
    MessageRead,
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
    "ConversationCreate",
    "ConversationLoad",
    "ConversationNotFound",
    "ConversationRead",
    "ConversationRepository",
    "ConversationUpdate",
    "ConversationWithMessages",
    "DatabaseFailure",
    "EmbeddedPostgresError",
    "InsufficientPrivilege",
    "InvalidInput",
    "LoadProgress",
    "Message",
    "MessageConflict",
    "MessageCreate",
    "MessageLoad",
    "MessageNotFound",
    "MessageRead",
    "MessageRepository",
    "MessageRole",
    "OrphanedConversations",
    "OutcomeUnknown",
    "Page",
    "PoolTimeout",
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
    "UserChats",
    "UserNotFound",
    "make_host_engine",
]
