"""The floor of a fan-out: accepts sockets, and for each order on the first one sends the same bytes to all."""

import socket
import sys


def main() -> None:
    count, size = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    clients = [listener.accept()[0] for _ in range(count + 1)]
    order, data = clients[0], b"x" * size
    for client in clients:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while order.recv(1):
        for client in clients[1:]:
            client.send(data)


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    main()
