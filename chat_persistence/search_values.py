"""What a search finds."""

from dataclasses import dataclass
from html import escape

from chat_persistence.scalar_values import scalar_text
from chat_persistence.values import MessageRead, ReadText


@dataclass(frozen=True, slots=True)
class SnippetPart:
    """A piece of a snippet: a word that was searched for, or what is around."""

    text: ReadText
    is_match: bool


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message that was found, and where: pieces of its content in their order, `…` where something is left out."""

    message: MessageRead
    snippet: tuple[SnippetPart, ...]

    def html(self) -> str:
        """Return the snippet as HTML, all text in it escaped and what was searched for in `<mark>`."""
        return "".join(map(_html, self.snippet))


def _html(part: SnippetPart) -> str:
    text = escape(scalar_text(part.text))
    return f"<mark>{text}</mark>" if part.is_match else text
