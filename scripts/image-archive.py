#!/usr/bin/env python3
"""Writes a container image of one layer to standard output, as an archive for `docker load`.

    scripts/image-archive.py LAYER.tar NAME ARCHITECTURE SECONDS

SECONDS is the time of creation. The format is that of `docker save` (Docker Image Specification 1.2).
No container engine is needed: `docker import` of Docker 20.10 gives every image the processor of the
engine, whatever its --platform.
"""

import hashlib
import io
import json
import sys
import tarfile
from datetime import datetime, timezone


def main(path, name, architecture, seconds):
    with open(path, "rb") as file:
        layer = file.read()
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": datetime.fromtimestamp(seconds, timezone.utc).isoformat(),
        "config": {"Entrypoint": ["jigger"], "Env": ["PATH=/usr/bin"], "WorkingDir": "/work"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    config = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for member, content in [
            (config_name, config),
            ("layer.tar", layer),
            ("manifest.json", json.dumps(manifest).encode()),
        ]:
            header = tarfile.TarInfo(member)
            header.size, header.mtime = len(content), seconds
            archive.addfile(header, io.BytesIO(content))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
