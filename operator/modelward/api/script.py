"""A Python file that trains: in a ConfigMap, or in a git repository."""

from typing import Annotated

from pydantic import Field

from .common import ApiModel, Digest, Name, rule, rules

ConfigMapKey = Annotated[str, Field(max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
Url = Annotated[str, Field(max_length=2048)]
Revision = Annotated[str, Field(max_length=256)]
FilePath = Annotated[str, Field(max_length=512)]


class ConfigMapScript(ApiModel):
    """Text of a ConfigMap, copied when the run starts."""

    model_config = rules(
        rule("!has(self.key) || self.key.endsWith('.py')", "key names the Python file: write `key: train.py`"),
    )
    name: Name
    """A ConfigMap of the same namespace."""
    key: ConfigMapKey | None = None
    """None: the one that ends with .py."""


class GitScript(ApiModel):
    """A file of a git repository, at one commit."""

    model_config = rules(
        rule(
            r"self.url.matches('^https?://[^/?#@\\s]+/[^?#\\s]+$')",
            "url takes https://host/repository.git or http://…: neither ssh:// nor git@host:…; user and password are "
            "keys of the Secret of secretName",
        ),
        rule(
            r"self.revision.matches('^[^\\s~^:?*\\[\\\\]+$') && !self.revision.contains('..')",
            "revision takes a branch, a tag, or all 40 digits of a commit: write `revision: main`",
        ),
        rule(
            r"self.path.matches('^([^/]+/)*[^/]+[.]py$') && !self.path.matches('(^|/)[.]{1,2}/')",
            "path names a Python file from the repository's root: write `path: training/train.py`",
        ),
    )
    url: Url
    """As `git clone` takes it, https:// or http://."""
    revision: Revision
    """A branch, a tag or a commit. What it means is looked up when the run starts; only a commit means the same for
    ever."""
    path: FilePath
    """Of the Python file, from the repository's root. The files beside it are there when it runs."""
    secret_name: Name | None = None
    """A Secret of the same namespace, labelled modelward.dev/use: source, for private repositories: HTTP_HOST with
    HTTP_USERNAME and HTTP_PASSWORD or HTTP_TOKEN, and ca.crt."""


class ScriptSpec(ApiModel):
    """A Python file of yours, run in Modelward's image. It finds what a container finds."""

    model_config = rules(
        rule(
            "has(self.configMap) != has(self.git)",
            "a script is either in a ConfigMap or in git: write `configMap: {name: …}` or "
            "`git: {url: …, revision: …, path: …}`",
        )
    )
    config_map: ConfigMapScript | None = None
    git: GitScript | None = None

    @property
    def secret_name(self) -> str | None:
        return self.git.secret_name if self.git else None


class ScriptOrigin(ApiModel):
    """What was run, for good: text of a ConfigMap by its digest, or a file of a commit."""

    image: Annotated[str, Field(max_length=1024)]
    """In which it ran."""
    config_map: Name | None = None
    key: ConfigMapKey | None = None
    digest: Digest | None = None
    """Of the text."""
    url: Url | None = None
    """Of the repository."""
    revision: Revision | None = None
    """As the run names it; a branch means another commit at another time."""
    commit: Annotated[str, Field(max_length=64)] | None = None
    path: FilePath | None = None
