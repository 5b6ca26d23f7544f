"""How far an export came that was broken off: its last whole conversation, and where in the file that ends."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from chat_persistence.exported_lines import CONVERSATION, MESSAGE, header_line
from chat_persistence.reports import ExportProgress

END_OF_LINE = b"}}\n"


@dataclass(frozen=True, slots=True)
class BegunExport:
    """What of a file is to be kept: its first `end` bytes."""

    end: int
    progress: ExportProgress


def find_begun_export(file: BinaryIO, user_id: str | None) -> BegunExport | None:
    """Return what was exported, or None when nothing was; raise `ValueError` when it is another export."""
    header = header_line(user_id)
    found = file.readline()
    if not found.endswith(b"\n"):
        return None
    if found != header:
        raise ValueError("what was begun there is the export of somebody else")
    return _last_whole(file, BegunExport(len(header), ExportProgress()))


def _last_whole(lines: Iterable[bytes], begun: BegunExport) -> BegunExport:
    end, missing = begun.end, 0
    progress = begun.progress
    for line in lines:
        end += len(line)
        if not line.endswith(END_OF_LINE):
            break
        if missing and line.startswith(MESSAGE):
            missing -= 1
        elif not missing and line.startswith(CONVERSATION):
            progress, missing = _counted(progress, line)
        else:
            break
        if not missing:
            begun = BegunExport(end, progress)
    return begun


def _counted(before: ExportProgress, line: bytes) -> tuple[ExportProgress, int]:
    values = json.loads(line)["conversation"]
    count: int = values["message_count"]
    progress = ExportProgress(before.conversations + 1, before.messages + count, values["user_id"], UUID(values["id"]))
    return progress, count
