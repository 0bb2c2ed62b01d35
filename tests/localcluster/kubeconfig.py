"""kubeconfig files: JSON, which is YAML, with the certificates inside, so that they can be copied anywhere."""

import base64
import json
from pathlib import Path

from localcluster.certs import Authority


def write(file: Path, server: str, authority: Authority, user: str) -> Path:
    """Let the holder of `file` reach `server` as the client certificate `user`."""

    def data(name: str) -> str:
        return base64.b64encode((authority.folder / name).read_bytes()).decode()

    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority-data": data("ca.crt")}}],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")},
            }
        ],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
        "current-context": "local",
    }
    file.write_text(json.dumps(content, indent=1))
    file.chmod(0o600)
    return file
