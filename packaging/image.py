#!/usr/bin/env python3
"""Builds a container image, as an OCI layout and a tarball, from a folder that is its root.

The same input gives the same bytes: times, owners and the order of files do not depend on the machine. The image
configuration carries a health check in Docker's form, which runtimes that do not know it ignore.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from datetime import datetime, timezone
from pathlib import Path

USER = 10001
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def describe(arguments):
    """The configuration of the image, without its root file system."""
    created = datetime.fromtimestamp(arguments.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "created": created,
        "architecture": arguments.arch,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"4100/tcp": {}},
            "Env": [
                "PATH=/usr/bin",
                "VESTIBULE__SERVER__LISTEN=0.0.0.0:4100",
                "VESTIBULE__STORE__URL=sqlite:/data/vestibule.db",
                "VESTIBULE__SECRETS__MASTER_KEY_FILE=/data/master.key",
                "VESTIBULE__LOG__FORMAT=json",
            ],
            "Entrypoint": ["/usr/bin/vestibule"],
            "Cmd": ["serve"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "Vestibule",
                "org.opencontainers.image.version": arguments.version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
            # Nanoseconds.
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/vestibule", "probe"],
                "Interval": 10_000_000_000,
                "Timeout": 8_000_000_000,
                "StartPeriod": 10_000_000_000,
                "Retries": 3,
            },
        },
    }


def pack(root, epoch):
    """The root as a tar archive with stable metadata."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            entry = archive.gettarinfo(path, arcname=name)
            entry.mtime, entry.uname, entry.gname = epoch, "", ""
            owner = USER if name == "data" or name.startswith("data/") else 0
            entry.uid = entry.gid = owner
            entry.mode = stat.S_IMODE(path.lstat().st_mode)
            if entry.isreg():
                with path.open("rb") as file:
                    archive.addfile(entry, file)
            else:
                archive.addfile(entry)
    return out.getvalue()


class Layout:
    """An OCI image layout in a folder."""

    def __init__(self, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def add(self, media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def add_json(self, media_type, value):
        return self.add(media_type, json.dumps(value, separators=(",", ":"), sort_keys=True).encode())


def build(arguments):
    layout = Layout(arguments.layout)
    layer = pack(arguments.root, arguments.epoch)
    packed = layout.add(LAYER, gzip.compress(layer, compresslevel=9, mtime=0))
    config = describe(arguments)
    created = config["created"]
    config["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    config["history"] = [{"created": created, "created_by": "packaging/image.py"}]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(CONFIG, config),
        "layers": [packed],
    }
    entry = layout.add_json(MANIFEST, manifest)
    entry["platform"] = {"architecture": arguments.arch, "os": "linux"}
    # Two names: tools that know layouts use the tag, `docker load` the full name.
    entry["annotations"] = {
        "org.opencontainers.image.ref.name": arguments.version,
        "io.containerd.image.name": f"docker.io/library/vestibule:{arguments.version}",
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    (arguments.layout / "index.json").write_text(json.dumps(index, sort_keys=True))


def archive(arguments):
    """The layout as one file, which `docker load`, `podman load` and `skopeo` read."""
    with tarfile.open(arguments.tar, mode="w", format=tarfile.PAX_FORMAT) as out:
        for path in sorted(arguments.layout.rglob("*")):
            entry = out.gettarinfo(path, arcname=path.relative_to(arguments.layout).as_posix())
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = arguments.epoch, 0, 0, "", ""
            entry.mode = 0o755 if entry.isdir() else 0o644
            if entry.isreg():
                with path.open("rb") as file:
                    out.addfile(entry, file)
            else:
                out.addfile(entry)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--tar", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--arch", required=True, choices=["amd64", "arm64"])
    parser.add_argument("--epoch", type=int, default=int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    arguments = parser.parse_args()
    build(arguments)
    archive(arguments)


if __name__ == "__main__":
    main()
