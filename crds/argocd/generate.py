"""`python crds/argocd/generate.py [--check]`: argocd-cm.yaml from the scripts beside it, which lie as in Argo CD's own
repository."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

FOLDER = Path(__file__).parent
SCRIPTS = FOLDER / "resource_customizations"
SNIPPET = FOLDER / "argocd-cm.yaml"
HEAD = """\
# How Argo CD tells the health of Modelward's resources, and what can be done with them. Generated from
# resource_customizations/ by `make crds`. Adds to what the ConfigMap holds:
#   kubectl --namespace argocd patch configmap argocd-cm --patch-file crds/argocd/argocd-cm.yaml
data:
"""


def snippet() -> str:
    kinds = sorted(path.parent for path in SCRIPTS.glob("*/*/health.lua"))
    entries = (indent(entry, "  ") for kind in kinds for entry in _entries(kind))
    return HEAD + "".join(entries)


def _entries(kind: Path) -> Iterator[str]:
    name = f"{kind.parent.name}_{kind.name}"
    yield f"resource.customizations.health.{name}: {_block((kind / 'health.lua').read_text())}"
    if (kind / "actions").is_dir():
        yield f"resource.customizations.actions.{name}: {_block(_actions(kind / 'actions'))}"


def _actions(folder: Path) -> str:
    text = f"discovery.lua: {_block((folder / 'discovery.lua').read_text())}definitions:\n"
    for script in sorted(folder.glob("*/action.lua")):
        text += f"- name: {script.parent.name}\n" + indent(f"action.lua: {_block(script.read_text())}", "  ")
    return text


def _block(text: str) -> str:
    """A literal of YAML."""
    return "|\n" + indent(text, "  ")


def main() -> int:
    if "--check" not in sys.argv[1:]:
        SNIPPET.write_text(snippet())
    elif not SNIPPET.exists() or SNIPPET.read_text() != snippet():
        print(f"{SNIPPET.name} is not what its scripts say: run `make crds`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
