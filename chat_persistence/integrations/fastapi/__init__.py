"""A chat store inside a FastAPI application (extra `fastapi`).

app = FastAPI(lifespan=chat_lifespan(lambda: ChatStore("postgresql://…")))
install_error_handlers(app)

Chats = Annotated[UserChats, user_chats(current_user_id)]
Work = Annotated[UnitOfWork, unit_of_work(current_user_id)]

`current_user_id` is the host's own dependency. Records are response models as they are: name one as what a
route returns, `-> Page[MessageRead]`; `MessageCreate`, `ConversationCreate` and `ConversationUpdate` are bodies.
"""

from chat_persistence.integrations.fastapi.dependencies import chat_store, unit_of_work, user_chats
from chat_persistence.integrations.fastapi.error_handlers import ERROR_RESPONSES, ErrorBody, install_error_handlers
from chat_persistence.integrations.fastapi.lifespan import chat_lifespan
from chat_persistence.integrations.fastapi.streaming import ClosingStreamingResponse

__all__ = [
    "ERROR_RESPONSES",
    "ClosingStreamingResponse",
    "ErrorBody",
    "chat_lifespan",
    "chat_store",
    "install_error_handlers",
    "unit_of_work",
    "user_chats",
]
