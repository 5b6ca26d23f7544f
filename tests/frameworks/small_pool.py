"""The example application on two connections."""

from chat_persistence import ChatStore
from examples.fastapi_chat import create_app

app = create_app(lambda: ChatStore(pool_size=2))
