"""termwall mounted in another application, over real HTTP and a real WebSocket."""

import asyncio
import json
import socket
from pathlib import Path

import httpx2
import uvicorn
from websockets.asyncio.client import connect

from examples.embed import build


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
