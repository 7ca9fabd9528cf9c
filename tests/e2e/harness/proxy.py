"""An HTTP proxy that records requests and forwards nothing, and an environment
that points programs to it."""

import os
import socket
import threading

ANSWER = b'{"status":"success","message":"of a proxy","recipients":77}'
HEAD_MAX = 65536


class RecordingProxy:

    def __init__(self):
        self.heard = []  # what was sent on each connection, up to its body
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(10)
                try:
                    self._answer(sock)
                except OSError:
                    pass

    def _answer(self, sock):
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_MAX:
            data = sock.recv(4096)
            if not data:
                break
            head += data
        self.heard.append(head.decode("latin-1"))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(ANSWER), ANSWER))
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):  # a reset would overtake the answer
            pass

    @property
    def environment(self):
        """Ours, with nothing exempt from the proxy."""
        kept = {name: value for name, value in os.environ.items()
                if name.lower() != "no_proxy"}
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            kept[name] = kept[name.upper()] = self.url
        return kept

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
