"""Where to connect: the settings of chat_persistence are the only ones that this service has."""

from chat_persistence.settings import ChatSettings


def database_url() -> str:
    settings = ChatSettings()
    if settings.url is None:
        raise RuntimeError("set DATABASE_URL")
    return settings.url.get_secret_value()
