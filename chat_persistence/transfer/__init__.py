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
from chat_persistence.transfer.tables.adk import GoogleADK
from chat_persistence.transfer.tables.chainlit import Chainlit
from chat_persistence.transfer.tables.langchain import LangChain
from chat_persistence.transfer.tables.openai_agents import OpenAIAgents
from chat_persistence.transfer.tables.source import TableSource

__all__ = [
    "NDJSON",
    "BadRecord",
    "Chainlit",
    "ChatGPTExport",
    "ClaudeExport",
    "ExportFormat",
    "FileSource",
    "FoundConversation",
    "GoogleADK",
    "ImportReport",
    "LangChain",
    "OpenAIAgents",
    "OpenAIChat",
    "ReadProgress",
    "ShareGPT",
    "TableSource",
    "export_file",
    "import_conversations",
    "pieces_of",
]
