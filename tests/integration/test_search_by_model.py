"""Search against a plain model: words cut out of the text by hand, and the conditions looked up in them."""

import re
from dataclasses import dataclass
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from chat_persistence import ChatStore, MessageCreate, MessageRead
from tests.integration.test_pages_by_model import database

WORDS = ("rome", "train", "to", "b2", "42", "é")
JOINTS = (" ", " ", " ", "-", "_", "/", ".", "@", ": ", ", ", "\n", "\x00", "<", ">", "' ", " ! ", "\ud83d")

words = st.sampled_from([*WORDS, *(word.upper() for word in WORDS)])
texts = st.lists(st.tuples(words, st.sampled_from(JOINTS)), min_size=1, max_size=8).map(
    lambda pairs: "".join(word + joint for word, joint in pairs)
)
batches = st.lists(texts, min_size=1, max_size=6)


@dataclass(frozen=True)
class Term:
    """A word, or a phrase of some, that has to be there, or must not be."""

    words: tuple[str, ...]
    is_excluded: bool

    def __str__(self) -> str:
        phrase = " ".join(self.words)
        return ("-" if self.is_excluded else "") + (phrase if len(self.words) == 1 else f'"{phrase}"')

    def holds(self, said: list[str]) -> bool:
        wanted = [word.lower() for word in self.words]
        is_there = any(said[n : n + len(wanted)] == wanted for n in range(len(said)))
        return is_there is not self.is_excluded


terms = st.builds(Term, st.lists(words, min_size=1, max_size=3).map(tuple), st.booleans())
queries = st.lists(st.lists(terms, min_size=1, max_size=3), min_size=1, max_size=2)


def holds(query: list[list[Term]], content: str) -> bool:
    said = re.findall(r"[^\W_]+", content.lower())
    return any(all(term.holds(said) for term in alternative) for alternative in query)


def written(query: list[list[Term]]) -> str:
    return " or ".join(" ".join(map(str, alternative)) for alternative in query)


async def search_all(store: ChatStore, user_id: str, query: str, limit: int) -> list[MessageRead]:
    page = await store.for_user(user_id).messages.search(query, limit)
    items = list(page.items)
    while page.next_cursor is not None:
        page = await store.for_user(user_id).messages.search(query, limit, after=page.next_cursor)
        items += page.items
    return [hit.message for hit in items]


@database
@given(batches=st.lists(batches, min_size=1, max_size=3), query=queries, limit=st.integers(1, 5), rewound=st.booleans())
async def test_a_search_finds_what_the_model_finds_page_by_page(
    store: ChatStore, batches: list[list[str]], query: list[list[Term]], limit: int, rewound: bool
) -> None:
    user_id, stranger = f"user-{uuid4()}", f"user-{uuid4()}"
    stored: list[MessageRead] = []
    for batch in batches:
        for user in (stranger, user_id):
            chat = store.for_user(user)
            conversation = await chat.conversations.create()
            sent = [MessageCreate(role="user", content=content) for content in batch]
            appended = await chat.messages.append(conversation.id, *sent)
        if rewound:
            await chat.messages.rewind(conversation.id, 1)
        stored += appended[:1] if rewound else appended

    found = await search_all(store, user_id, written(query), limit)

    expected = [message for message in stored if holds(query, message.content)]
    newest_first = sorted(expected, key=lambda it: (it.created_at, it.conversation_id, it.position), reverse=True)
    assert found == newest_first
