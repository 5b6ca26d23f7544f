"""A relay that answers in the server's place: with refusals of any SQLSTATE, or with bytes that are no answer."""

import ssl
from dataclasses import dataclass
from struct import Struct

from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.relay import Line, Relay, Stream

_STARTUP_VERSION = 196_608
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
_QUESTIONS = b"PBDEQ"
"""Parse, Bind, Describe, Execute, and the simple Query."""
_TRANSACTION_ENDS = (b"Q:BEGIN", b"Q:ROLLBACK")

_length = Struct("!I")
_startup = Struct("!II")


@dataclass(frozen=True, slots=True)
class Forgery:
    """What is said in place of the server."""

    answer: bytes
    words: bytes = b""
    """It answers only questions in which these stand; without any, all but BEGIN and ROLLBACK."""
    greets: bool = False
    """Whether already the client's greeting is answered."""
    hangs_up: bool = False
    loses_answer: bool = False
    """Whether the server is asked all the same, and the line cut in place of its answer."""

    def answers(self, kind: bytes, body: bytes) -> bool:
        """Whether this message is answered with it."""
        if kind not in _QUESTIONS or self.greets:
            return False
        return self.words in body if self.words else not (kind + b":" + body).startswith(_TRANSACTION_ENDS)


def refusal(sqlstate: str, says: str, *, severity: str = "ERROR") -> bytes:
    """Return an ErrorResponse that says `says` wherever PostgreSQL may put a user's text."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": says, "D": says, "H": says, "W": says}
    body = b"".join(name.encode() + text.encode() + b"\0" for name, text in fields.items()) + b"\0"
    return message(b"E", body)


def message(kind: bytes, body: bytes) -> bytes:
    """Return one message of the protocol."""
    return kind + _length.pack(len(body) + 4) + body


class ForgingRelay(Relay):
    """Carries every connection, in clear to its client; while there is a `forgery`, that is the answer."""

    forgery: Forgery | None = None

    def address(self, port: int) -> str:
        """Return the URL that leads through this port; nothing that is encrypted could be forged."""
        return with_parameters(super().address(port), sslmode="disable")

    async def connect(self) -> Stream:
        """Open a connection to the server, encrypted if it can be."""
        reader, writer = await super().connect()
        if not self._server.name.startswith("/") and take_apart(self._url).parameters.get("sslmode") != "disable":
            writer.write(_SSL_REQUEST)
            if await reader.readexactly(1) == b"S":
                await writer.start_tls(_unverified())
        return reader, writer

    def line(self, server: Stream, client: Stream) -> Line:
        """Return what carries one client's connection."""
        return _ForgedLine(self, server, client)


class _ForgedLine(Line):
    """One client's connection, its questions taken apart."""

    def __init__(self, relay: ForgingRelay, server: Stream, client: Stream) -> None:
        super().__init__(relay, server, client)
        self._forger = relay
        self._unread = b""
        self._has_started = False
        self._is_in_transaction = False
        self._skips_to_sync = False

    def passed_on(self, question: bytes) -> bytes:
        """Return the messages that are not answered here."""
        self._unread += question
        passed = []
        while frame := self._next_frame():
            if not self._is_answered(frame):
                passed.append(frame)
        return b"".join(passed)

    def _next_frame(self) -> bytes:
        # Only the greeting has no letter before its length.
        start = 1 if self._has_started else 0
        if len(self._unread) < start + 4:
            return b""
        end = start + _length.unpack_from(self._unread, start)[0]
        if len(self._unread) < end:
            return b""
        frame, self._unread = self._unread[:end], self._unread[end:]
        return frame

    def _is_answered(self, frame: bytes) -> bool:
        forgery = self._forger.forgery
        if not self._has_started:
            self._has_started = _startup.unpack_from(frame)[1] == _STARTUP_VERSION
            if forgery is None or not forgery.greets or not self._has_started:
                return False
            self._say(forgery)
            return True
        kind, body = frame[:1], frame[5:]
        if self._skips_to_sync:
            self._skip(kind)
            return True
        if forgery is not None and forgery.answers(kind, body):
            if forgery.loses_answer:
                self._loses_answer = True
                return False
            self._say(forgery)
            self._skips_to_sync = True
            if kind == b"Q":
                self._skip(b"S")
            return True
        self._notice_transaction(kind + b":" + body)
        return False

    def _say(self, forgery: Forgery) -> None:
        self._client_writer.write(forgery.answer)
        self._was_answered = True
        if forgery.hangs_up:
            self.close()

    def _skip(self, kind: bytes) -> None:
        # After an error a server takes no notice of anything up to the next Sync, and then is ready again.
        if kind == b"S":
            self._skips_to_sync = False
            self._client_writer.write(message(b"Z", b"E" if self._is_in_transaction else b"I"))

    def _notice_transaction(self, question: bytes) -> None:
        if question.startswith(b"Q:BEGIN"):
            self._is_in_transaction = True
        elif question.startswith((b"Q:ROLLBACK", b"Q:COMMIT")):
            self._is_in_transaction = False


def _unverified() -> ssl.SSLContext:
    # The rows that pass are a selftest's own.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
