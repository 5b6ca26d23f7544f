"""Moving conversations in from elsewhere and out to elsewhere."""

from chat_persistence.transfer.export_files import ExportFormat, export_file, pieces_of
from chat_persistence.transfer.files import FileSource
from chat_persistence.transfer.formats.chatgpt import ChatGPTExport
from chat_persistence.transfer.formats.claude import ClaudeExport
from chat_persistence.transfer.formats.ndjson import NDJSON
from chat_persistence.transfer.formats.openai import OpenAIChat
from chat_persistence.transfer.formats.sharegpt import ShareGPT
from chat_persistence.transfer.importing import ImportReport, import_conversations
from chat_persistence.transfer.records import BadRecord, FoundConversation, ReadProgress

__all__ = [
    "NDJSON",
    "BadRecord",
    "ChatGPTExport",
    "ClaudeExport",
    "ExportFormat",
    "FileSource",
    "FoundConversation",
    "ImportReport",
    "OpenAIChat",
    "ReadProgress",
    "ShareGPT",
    "export_file",
    "import_conversations",
    "pieces_of",
]
