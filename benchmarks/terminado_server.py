"""The peer: terminado, one new terminal for each connection, its command named by the path."""

import json
import sys

import tornado.ioloop
import tornado.web
from terminado import TermSocket, UniqueTermManager
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets


def main() -> None:
    commands: dict[str, list[str]] = json.loads(sys.argv[1])
    handlers = [
        (f"/{name}", TermSocket, {"term_manager": UniqueTermManager(shell_command=command)})
        for name, command in commands.items()
    ]
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(tornado.web.Application(handlers))  # type: ignore[arg-type]
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    tornado.ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
