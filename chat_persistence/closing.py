"""How a connection is closed: politely while the other side answers, and within a second in any case."""

import asyncio
from contextlib import suppress
from typing import Any

CLOSE_SECONDS = 1.0


async def close_or_terminate(driver: Any) -> None:
    """Close a connection of the driver; what still runs on it is cancelled, if the server can be told."""
    try:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                # Waits until what was cancelled has settled. A `close` that waits for that, and is given up
                # itself, leaves its socket open for ever in asyncpg 0.30.
                await driver.fetchrow(";")
                await driver.close()
    finally:
        driver.terminate()
