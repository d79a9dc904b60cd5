"""HTTP over connections that stay open; a client library costs more CPU than an answer should."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

Answer = tuple[int, bytes]


class ConnectionPool:
    """Open connections to one port of this machine; a request takes an idle one or opens one.

    The number of connections is not limited, so that a request is never sent late because others
    wait for their answers.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def post(self, path: str, body: bytes) -> Answer:
        """Send a body of JSON, and return the status and the body of the answer."""
        reader, writer = await self._take()
        try:
            writer.write(_request(path, body))
            answer, stays_open = await _read_answer(reader)
        except BaseException:
            writer.close()
            raise
        if stays_open:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return answer

    async def _take(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)


def body_of(content: Any) -> bytes:
    """Return the body of a request that sends this as JSON."""
    return json.dumps(content).encode()


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _read_answer(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    body = (
        await _read_chunks(reader)
        if headers.get("transfer-encoding") == "chunked"
        else await reader.readexactly(int(headers.get("content-length", "0")))
    )
    return (int(head[0].split()[1]), body), headers.get("connection", "").lower() != "close"


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readline()
    return b"".join(chunks)
