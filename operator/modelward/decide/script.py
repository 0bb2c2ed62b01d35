"""The script of a run: is it there, may its Secret be used, and what exactly is run?

The text of a ConfigMap is copied beside the run's task before the Job is made, and that copy is what runs: an edit
while a run waits or trains changes nothing. Until there is a copy nothing has begun, and what the ConfigMap says then
is what counts. A git repository is read by the Job's own first step, which tells the commit. Reasons (API):
ScriptNotFound, ScriptTooLarge, and those in `decide.source_secret`.
"""

from dataclasses import dataclass
from datetime import datetime

from modelward.api import TrainingRun
from modelward.api.script import ConfigMapScript, GitScript, ScriptOrigin, ScriptSpec
from modelward.decide.source_secret import again, usable
from modelward.errors import Wait
from modelward.names import Manifest
from modelward.settings import Settings
from modelward_contracts.tasks import SCRIPT_FILE
from modelward_contracts.wire import sha256

NOT_FOUND, TOO_LARGE = "ScriptNotFound", "ScriptTooLarge"
MOST_BYTES = 512 << 10
"""A ConfigMap holds 1 MiB, and the task beside it needs some."""
SECRET_FIELD, IMPORT_SECRET = "spec.script.git.secretName", "spec.import.secretName"


@dataclass(frozen=True)
class ScriptSeen:
    """Of a run without a Job."""

    config_map: Manifest | None = None
    copy: Manifest | None = None
    """The task's ConfigMap, where the Job alone is gone."""
    secret_labels: dict[str, str] | None = None
    """Of the Secret that a repository, or an imported model, is read with."""
    origin: ScriptOrigin | None = None
    """Of a version that is reproduced: its text is in the store, its image is the one to run in again."""


@dataclass(frozen=True)
class Script:
    """What the Job is to run."""

    origin: ScriptOrigin
    text: str | None = None
    """Of a ConfigMap."""

    @property
    def files(self) -> dict[str, str]:
        """Beside the task."""
        return {SCRIPT_FILE: self.text} if self.text is not None else {}


def script_of(run: TrainingRun, seen: ScriptSeen, settings: Settings, now: datetime) -> Script | None:
    """Raises Wait where it may still come, Refused where it may not be used."""
    spec, ready, pinned = run.spec.script, run.status.condition("Ready"), run.status.script
    if run.spec.import_:
        usable(run.spec.import_.secret_name, seen.secret_labels, settings, ready, now, IMPORT_SECRET)
    if spec is None:
        return None
    before = pinned or seen.origin
    image = before.image if before else settings.scripts_run_in
    if spec.git:
        usable(spec.git.secret_name, seen.secret_labels, settings, ready, now, SECRET_FIELD)
        return Script(_of_git(spec.git, image))
    if seen.origin:
        return Script(seen.origin)
    assert spec.config_map
    copied = (seen.copy or {}).get("data", {}).get(SCRIPT_FILE)
    if copied is not None and pinned:
        return Script(pinned, copied)
    try:
        key, text = text_of(spec.config_map, seen.config_map)
    except LookupError as missing:
        raise Wait(NOT_FOUND, str(missing), again(ready, now)) from None
    if len(text.encode()) > MOST_BYTES:
        what = f"{key} of the ConfigMap {spec.config_map.name} is larger than the {MOST_BYTES >> 10} KiB that are taken"
        raise Wait(TOO_LARGE, f"{what}: keep it in a git repository", again(ready, now))
    digest = sha256(text.encode())
    return Script(ScriptOrigin(image=image, config_map=spec.config_map.name, key=key, digest=digest), text)


def text_of(wanted: ConfigMapScript, found: Manifest | None) -> tuple[str, str]:
    """Key and text. Raises LookupError with a sentence."""
    name, key = wanted.name, wanted.key
    if found is None:
        raise LookupError(
            f"the ConfigMap {name} does not exist in this namespace: create it with the script as train.py"
        )
    data: dict[str, str] = found.get("data") or {}
    scripts = sorted(each for each in data if each.endswith(".py"))
    if key is None:
        if len(scripts) != 1:
            there = f"several: {', '.join(scripts[:5])}" if scripts else "none"
            what = f"the ConfigMap {name} should have one key that ends with .py, and has {there}"
            raise LookupError(f"{what}; correct it, or write spec.script.configMap.key in another run")
        key = scripts[0]
    if key in (found.get("binaryData") or {}):
        raise LookupError(f"{key} of the ConfigMap {name} is no text in UTF-8: save it as such")
    if key not in data:
        raise LookupError(
            f"the ConfigMap {name} has no key {key}; Python files there: {', '.join(scripts[:5]) or 'none'}"
        )
    return key, data[key]


def digest_in(spec: ScriptSpec | None, found: Manifest | None) -> str | None:
    """Of the text that a run would take now. Raises LookupError."""
    return sha256(text_of(spec.config_map, found)[1].encode()) if spec and spec.config_map else None


def _of_git(git: GitScript, image: str) -> ScriptOrigin:
    return ScriptOrigin(image=image, url=git.url, revision=git.revision, path=git.path)
