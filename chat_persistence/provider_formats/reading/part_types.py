"""Which formats have which types of parts, by which one format's content is told from another's."""

from typing import Any

OPENAI_CHAT = "OpenAI chat completions"
OPENAI_RESPONSES = "OpenAI responses"
ANTHROPIC = "Anthropic messages"
GEMINI = "Gemini contents"
COHERE = "Cohere chat"
VERCEL = "Vercel UI messages"

FORMATS_OF: dict[str, tuple[str, ...]] = {
    "text": (OPENAI_CHAT, ANTHROPIC, COHERE),
    "image_url": (OPENAI_CHAT, COHERE),
    "input_audio": (OPENAI_CHAT, OPENAI_RESPONSES),
    "file": (OPENAI_CHAT,),
    "refusal": (OPENAI_CHAT, OPENAI_RESPONSES),
    "input_text": (OPENAI_RESPONSES,),
    "input_image": (OPENAI_RESPONSES,),
    "input_file": (OPENAI_RESPONSES,),
    "output_text": (OPENAI_RESPONSES,),
    "image": (ANTHROPIC,),
    "search_result": (ANTHROPIC,),
    "container_upload": (ANTHROPIC,),
    "compaction": (ANTHROPIC,),
    "redacted_thinking": (ANTHROPIC,),
    "tool_use": (ANTHROPIC,),
    "tool_result": (ANTHROPIC,),
    "server_tool_use": (ANTHROPIC,),
    "web_search_tool_result": (ANTHROPIC,),
    "web_fetch_tool_result": (ANTHROPIC,),
    "code_execution_tool_result": (ANTHROPIC,),
    "bash_code_execution_tool_result": (ANTHROPIC,),
    "text_editor_code_execution_tool_result": (ANTHROPIC,),
    "tool_search_tool_result": (ANTHROPIC,),
    "mcp_tool_use": (ANTHROPIC,),
    "mcp_tool_result": (ANTHROPIC,),
    "thinking": (ANTHROPIC, COHERE),
    "document": (ANTHROPIC, COHERE),
}
"""A type that is not here is anybody's: providers add types."""

FORMATS_OF_KEYS: dict[str, tuple[str, ...]] = {
    "cache_control": (ANTHROPIC,),
    "citations": (ANTHROPIC,),
    "signature": (ANTHROPIC,),
}
"""Of any part; what is said of types is true of keys."""


def may_be_content_of(format: str, content: Any) -> bool:
    """Whether no part of a content is known to be of other formats only."""
    return not isinstance(content, list) or all(may_be_part_of(format, part) for part in content)


def may_be_part_of(format: str, part: Any) -> bool:
    """Whether a part is not known to be of other formats only."""
    if not isinstance(part, dict):
        return True
    kind = part.get("type")
    of_type = FORMATS_OF.get(kind, (format,)) if isinstance(kind, str) else (format,)
    return format in of_type and all(format in FORMATS_OF_KEYS.get(key, (format,)) for key in part)
