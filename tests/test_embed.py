"""termwall mounted in another application, over real HTTP and a real WebSocket."""

import asyncio
import json
import socket
from pathlib import Path

import httpx2
import uvicorn
from websockets.asyncio.client import connect

from examples.embed import build
from termwall.config import Settings
from tests.fuzz.frames import PING, PONG, frame
from tests.support.asgi import mounted


async def test_case_hardening_X3_pings_of_a_client_that_reads_nothing_do_not_pile_up_under_uvicorn(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path / "data", token="a-test-token", outlive=False)
    pings = 10_000
    with mounted(settings, ws="termwall.embedding:WebSocket", send_buffer=8192) as port:
        headers = {"Authorization": "Bearer a-test-token"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as http:
            await http.post("/api/projects", json={"path": str(tmp_path), "id": "wall"})
        with socket.socket() as small:
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            small.connect(("127.0.0.1", port))
            small.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=small, limit=4096)
            address = f"GET /ws/terminal?projectId=wall HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer a-test-token\r\n\r\n"
            writer.write((address + upgrade + key).encode())
            async with asyncio.timeout(30):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
                writer.write(b"".join(frame(PING, b"%0125d" % number) for number in range(pings)))
                await writer.drain()
                writer.write(frame(PING, b"last"))
                answered, last = 0, b""
                while last != b"last":
                    kind, size = await reader.readexactly(2)
                    size = int.from_bytes(await reader.readexactly(2), "big") if size == 126 else size
                    last = await reader.readexactly(size)
                    answered += kind & 15 == PONG
            writer.close()
    assert answered < pings / 2, "no more than fits into the socket's buffers"


async def test_A5_the_embedding_example_works_under_its_prefix(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        config = uvicorn.Config(build(tmp_path, "a-test-token"), ws="websockets-sansio", log_config=None)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            headers = {"authorization": "Bearer a-test-token"}
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                for _ in range(500):
                    if server.started:
                        break
                    await asyncio.sleep(0.01)
                stage = (await client.get("/")).json()
                assert stage["versions"] == [1]
                (session,) = stage["focused"]
                assert (await client.get("/terminals/api/projects")).status_code == 401
                projects = await client.get("/terminals/api/projects", headers=headers)
                assert [one["id"] for one in projects.json()["projects"]] == ["example"]
                login = await client.get("/terminals/?token=a-test-token&project=example")
                assert (login.status_code, login.headers["location"]) == (303, "./?project=example")
                page = await client.get("/terminals/")
                assert page.status_code == 200
                assert "Content-Security-Policy" in page.headers
            address = f"ws://127.0.0.1:{port}/terminals/ws/terminal?projectId=example"
            async with connect(address, additional_headers=headers, subprotocols=["termwall.v1.json"]) as ws:  # type: ignore[list-item]
                first = json.loads(await ws.recv())
                assert first["type"] == "connection_status"
                assert first["focusedSessions"] == [session]
                await ws.send(json.dumps({"type": "input", "sessionId": session, "data": "echo $((6*7))\r"}))
                text = ""
                while "42" not in text:
                    message = json.loads(await asyncio.wait_for(ws.recv(), 10))
                    text += message.get("data", "")
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, 15)
