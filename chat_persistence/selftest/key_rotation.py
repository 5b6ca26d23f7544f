"""A rotation of keys as a call, where the extra that it needs is installed."""

from importlib.util import find_spec

from chat_persistence import ChatStore, KeyRing, KeyRotation

IS_INSTALLED = find_spec("cryptography") is not None


async def rotate_keys(store: ChatStore) -> KeyRotation:
    """Wrap all keys anew with a master key; a store that encrypts nothing has none."""
    return await store.rotate_keys(KeyRing({"current": bytes(32)}, "current"))
