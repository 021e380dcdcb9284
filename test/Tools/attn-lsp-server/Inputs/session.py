# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A session of an editor with a language server: opens the file that is named and
prints what the server says of it.

    session.py SERVER FILE LINE COLUMN"""

import json
import pathlib
import subprocess
import sys


class Server:
    def __init__(self, name):
        self.process = subprocess.Popen(
            [name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.requests = 0

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        header = f"Content-Length: {len(body)}\r\n\r\n".encode()
        self.process.stdin.write(header + body)
        self.process.stdin.flush()

    def notify(self, method, **params):
        self.send({"method": method, "params": params})

    def receive(self):
        length = 0
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self.process.stdout.read(length))

    def ask(self, method, **params):
        """Prints the answer to a request, and what comes before it."""
        self.requests += 1
        self.send({"id": self.requests, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.requests:
            report(message["method"], message["params"])
        report(method, message.get("result", message.get("error")))


def report(name, value):
    print(f"== {name}")
    print(json.dumps(value, indent=1, sort_keys=True))


def main():
    name, file, line, column = sys.argv[1:]
    path = pathlib.Path(file).resolve()
    document = {"uri": path.as_uri()}
    position = {"line": int(line) - 1, "character": int(column) - 1}
    server = Server(name)
    server.ask("initialize", processId=None, rootUri=None, capabilities={})
    server.notify("initialized")
    server.notify(
        "textDocument/didOpen",
        textDocument=document
        | {"languageId": "mlir", "version": 1, "text": path.read_text()},
    )
    for request in ("hover", "definition"):
        server.ask(
            f"textDocument/{request}", textDocument=document, position=position
        )
    server.ask("shutdown")
    server.notify("exit")
    print("exit", server.process.wait(timeout=60))


if __name__ == "__main__":
    main()
