"""What the chart tells the operator, read once from MODELWARD_* and printed at start."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from modelward.api.pod import JobPod, ScoringPod
from modelward.api.resources import Resources


class JobResources(BaseModel):
    """Of each step where the resource says nothing. Those of `small` write or print a few KiB."""

    model_config = ConfigDict(frozen=True)

    ingest: Resources = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "2Gi"})
    fetch: Resources = Resources(requests={"cpu": "50m", "memory": "64Mi"}, limits={"memory": "512Mi"})
    train: Resources = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "2Gi"})
    publish: Resources = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "2Gi"})
    small: Resources = Resources(requests={"cpu": "50m", "memory": "64Mi"}, limits={"cpu": "500m", "memory": "256Mi"})


class PrometheusServer(BaseModel):
    """One that checks of ModelDeployments may name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=40, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
    url: Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]
    """Before /api/v1/query."""
    folder: str = ""
    """May hold `token`, sent as bearer token, and `ca.crt`, which the server's certificate is checked with."""
    tenant: Annotated[str, Field(pattern=r"^[!-~]*$")] = ""
    """Sent as X-Scope-OrgID, if any."""


class StoreCollection(BaseModel):
    """When stores are looked through for what nothing names any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedule: Annotated[str, Field(pattern=r"^(@(hourly|daily|weekly|monthly|yearly)|\S+( \S+){4})?$")] = "@daily"
    """Cron, UTC. Empty: never."""
    grace: Annotated[str, Field(pattern=r"^([0-9]+(h|m|s))+$")] = "24h"
    """That nothing must have named a blob before it goes."""
    records: Annotated[str, Field(pattern=r"^([0-9]+(h|m|s))+$")] = "2160h"
    """After which results of runs, verdicts and traces keep nothing."""
    dry_run: bool = False


class Settings(BaseModel):
    """Field `store_url` is read from MODELWARD_STORE_URL, and so on; those that are no text as JSON."""

    model_config = ConfigDict(frozen=True)

    namespace: str = "modelward-system"
    """The operator's own."""
    watch_namespaces: Annotated[tuple[str, ...], Field()] = ()
    """Empty: all."""
    training_image: str
    scoring_image: str
    script_image: str = ""
    """That scripts run in. Empty: `training_image`."""
    image_pull_policy: str = "IfNotPresent"
    store_url: str = "file:///store"
    """file:///store is the PVC `modelward-store` of each namespace; anything else is an fsspec URL."""
    store_endpoint: str = ""
    """Of an S3 store that is not AWS's."""
    store_region: str = ""
    store_size: str = "10Gi"
    store_class: str = ""
    store_access_mode: str = "ReadWriteOnce"
    store_secret: str = ""
    """Secret in the user's namespace whose keys become the environment of our own containers."""
    source_secrets: bool = True
    """Datasets and scripts may name Secrets; of those the operator gets the metadata."""
    local_sources: bool = False
    """Sources may be on loopback and link-local addresses."""
    store_collection: StoreCollection = StoreCollection()
    signing_key_file: str = "/etc/modelward/signing/key.pem"
    signing_secret: str = ""
    """Of the operator's namespace, to be filled with a key where it is empty."""
    rollout_scrape_seconds: float = 2.0
    rest_scrape_seconds: float = 15.0
    job_resources: JobResources = JobResources()
    job_pod: JobPod = JobPod()
    """Of all Jobs, where the resource says nothing."""
    scoring_pod: ScoringPod = ScoringPod()
    """Likewise of scoring servers."""
    service_accounts: tuple[str, ...] = ()
    """Names that a resource may ask for; each is one of the resource's own namespace."""
    scoring_repositories: tuple[str, ...] = ()
    """Of images that a ModelDeployment may ask for, beside that of `scoring_image`."""
    actions_verified: bool = False
    """The API server lets nobody ask for an action under another's name."""
    prometheus: tuple[PrometheusServer, ...] = ()
    """Which servers checks in PromQL may ask; the first where a check names none."""
    ip_family_policy: Literal["", "SingleStack", "PreferDualStack", "RequireDualStack"] = ""
    """Of Services. Empty: as the cluster does."""
    ip_families: tuple[Literal["IPv4", "IPv6"], ...] = ()
    pod_ip: str = ""
    """The operator's own: tells which family the cluster's pods speak first."""
    metrics_port: int = 9090
    cluster_domain: str = "cluster.local"

    @field_validator("prometheus")
    @classmethod
    def _own_names(cls, servers: tuple[PrometheusServer, ...]) -> tuple[PrometheusServer, ...]:
        if len({server.name for server in servers}) < len(servers):
            raise ValueError("each server needs a name of its own")
        return servers

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        found: dict[str, Any] = {
            name: environment[key] for name in cls.model_fields if environment.get(key := f"MODELWARD_{name.upper()}")
        }
        for name in _LISTS & found.keys():
            found[name] = tuple(filter(None, found[name].split(",")))
        for name in _JSON & found.keys():
            found[name] = json.loads(found[name])
        return cls(**found)

    @property
    def scripts_run_in(self) -> str:
        return self.script_image or self.training_image

    @property
    def store_is_claim(self) -> bool:
        return self.store_url.startswith("file://")

    @property
    def listen(self) -> str:
        """Where scoring servers listen: at all addresses of their pod."""
        dual = "DualStack" in self.ip_family_policy or "IPv6" in self.ip_families
        return "::" if dual or ":" in self.pod_ip else "0.0.0.0"  # noqa: S104 - a pod's own network


_LISTS = {"watch_namespaces", "service_accounts", "scoring_repositories", "ip_families"}
_JSON = {"job_resources", "job_pod", "scoring_pod", "prometheus", "store_collection"}
