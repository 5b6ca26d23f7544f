from tasks.models import User
from tasks.watched import WatchedChats

from chat_persistence import ChatStore
from chat_persistence.testing import UserChatsContract


class TestWatchedChats(UserChatsContract):
    async def make_chats(self, store: ChatStore, user_id: str) -> WatchedChats:
        async with store.unit_of_work(user_id) as work:  # conversations are linked to users
            await work.session.merge(User(id=user_id))
        return WatchedChats(store.for_user(user_id), lambda _: None)
