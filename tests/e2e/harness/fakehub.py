"""A hub that makes the mistakes that hub-bench should detect."""

import asyncio
import re
import threading

from .rawws import CLOSE, PING, PONG, TEXT, accept_of, encode, frame_at
from .wait import scaled


def frame(payload, opcode=TEXT, fin=True):
    return encode(opcode, payload, fin, mask=False)


class FakeHub:
    """Shakes hands, takes POSTs and gives each message to deliver(), which
    says what every client gets: by default one frame. In a thread."""

    def __init__(self, deliver=None, accept=None):
        self.deliver = deliver or (lambda hub, body: hub.all(frame(body)))
        self.accept = accept
        self.clients = {}
        self.posts = []
        self.http_connections = 0
        self.pongs = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = self.call(asyncio.start_server(
            self.connected, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/?userId={{user}}"

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(scaled(20))

    async def shut(self):
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        self.call(self.shut())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def all(self, data):
        for writer in self.clients.values():
            writer.write(data)

    async def connected(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST"):
                self.http_connections += 1
                await self.serve_posts(reader, writer, head)
            else:
                await self.serve_client(reader, writer, head)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve_posts(self, reader, writer, head):
        while True:
            size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            body = await reader.readexactly(size)
            self.posts.append((head, body))
            self.deliver(self, body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            head = await reader.readuntil(b"\r\n\r\n")

    async def serve_client(self, reader, writer, head):
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)[1]
        accept = accept_of(key.decode()).encode()
        user = re.search(rb"userId=([^ ]+)", head)[1].decode()
        answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
                  + (self.accept or accept) + b"\r\n\r\n")
        writer.write(answer[:50])  # in two pieces, the second with a frame
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(answer[50:] + frame(b"welcome", PING))
        self.clients[user] = writer
        try:
            await self.read_client(reader, writer)
        finally:
            self.clients.pop(user, None)

    async def read_client(self, reader, writer):
        buffer = b""
        while data := await reader.read(65536):
            buffer += data
            while found := frame_at(buffer, masked=True):
                client, buffer = found[0], buffer[found[1]:]
                if client.opcode == PONG:
                    self.pongs.append(client.payload)
                if client.opcode == CLOSE:  # and hangs up, as a hub does
                    writer.write(frame(client.payload, CLOSE))
                    return
