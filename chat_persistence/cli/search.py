"""The command `search`: a user's messages by their words, newest first."""

from chat_persistence.cli.database import on_store
from chat_persistence.cli.output import print_json, results
from chat_persistence.cli.printed_messages import as_object
from chat_persistence.search_values import SearchHit
from chat_persistence.store import ChatStore
from chat_persistence.values import Page


def search(
    url: str,
    schema: str | None,
    language: str,
    user_id: str,
    query: str,
    limit: int,
    after: str | None,
    *,
    as_json: bool,
) -> None:
    """Print one page; as JSON, one object with the cursor of the next."""

    async def find(store: ChatStore) -> Page[SearchHit]:
        return await store.for_user(user_id).messages.search(query, limit, after=after)

    page = on_store(url, schema, find, search_language=language)
    if as_json:
        print_json({"items": [_as_object(hit) for hit in page.items], "next_cursor": page.next_cursor})
    else:
        for hit in page.items:
            snippet = " ".join("".join(part.text for part in hit.snippet).split())
            results().print(f"{hit.message.conversation_id} {hit.message.position} {snippet}")


def _as_object(hit: SearchHit) -> dict[str, object]:
    snippet = [{"text": part.text, "is_match": part.is_match} for part in hit.snippet]
    return {"conversation_id": str(hit.message.conversation_id), **as_object(hit.message), "snippet": snippet}
