"""The base of our images where no registry is reachable: Debian with Python, made from Debian's own packages."""

import tempfile
from hashlib import sha256
from pathlib import Path

from localcluster import buildah
from localcluster.progress import run, step

_EXCLUDED = ("doc", "info", "locale", "man")
_MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    "--include=usr-is-merged,python3,python3-venv,ca-certificates",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _EXCLUDED),
    # Perl comes along for the installation only.
    '--customize-hook=chroot "$1" apt-get purge --quiet --yes --auto-remove perl perl-modules-5.36 libperl5.36',
    "bookworm",
)
NAME = f"localhost/modelward-base:{sha256(' '.join(_MMDEBSTRAP).encode()).hexdigest()[:12]}"
_DOCKERFILE = """\
FROM scratch
ADD base.tar /
RUN ln -s python3 /usr/bin/python
"""


def build() -> str:
    """Make the image unless it is there, and return its name."""
    if not buildah.exists(NAME):
        with step("base image: Debian with Python"), tempfile.TemporaryDirectory() as folder:
            run([*_MMDEBSTRAP, f"{folder}/base.tar"])
            dockerfile = Path(folder, "Dockerfile")
            dockerfile.write_text(_DOCKERFILE)
            buildah.build(NAME, dockerfile, Path(folder))
    return NAME
