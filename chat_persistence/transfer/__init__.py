"""Moving conversations in from elsewhere and out to elsewhere."""

from chat_persistence.transfer.files import FileSource
from chat_persistence.transfer.formats.chatgpt import ChatGPTExport
from chat_persistence.transfer.formats.claude import ClaudeExport
from chat_persistence.transfer.formats.openai import OpenAIChat
from chat_persistence.transfer.formats.sharegpt import ShareGPT
from chat_persistence.transfer.importing import ImportReport, import_conversations
from chat_persistence.transfer.records import BadRecord, FoundConversation, ReadProgress

__all__ = [
    "BadRecord",
    "ChatGPTExport",
    "ClaudeExport",
    "FileSource",
    "FoundConversation",
    "ImportReport",
    "OpenAIChat",
    "ReadProgress",
    "ShareGPT",
    "import_conversations",
]
