"""What the chart tells the operator, read once from MODELWARD_* and printed at start."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Field `store_url` is read from MODELWARD_STORE_URL, and so on."""

    model_config = ConfigDict(frozen=True)

    namespace: str = "modelward-system"
    """The operator's own."""
    watch_namespaces: Annotated[tuple[str, ...], Field()] = ()
    """Empty: all."""
    training_image: str
    scoring_image: str
    image_pull_policy: str = "IfNotPresent"
    store_url: str = "file:///store"
    """file:///store is the PVC `modelward-store` of each namespace; anything else is an fsspec URL."""
    store_size: str = "10Gi"
    store_class: str = ""
    store_access_mode: str = "ReadWriteOnce"
    store_secret: str = ""
    """Secret in the user's namespace whose keys become the environment of our own containers."""
    signing_key_file: str = "/etc/modelward/signing/key.pem"
    rollout_scrape_seconds: float = 2.0
    rest_scrape_seconds: float = 15.0
    metrics_port: int = 9090
    cluster_domain: str = "cluster.local"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        found: dict[str, Any] = {
            name: environment[key] for name in cls.model_fields if environment.get(key := f"MODELWARD_{name.upper()}")
        }
        if "watch_namespaces" in found:
            found["watch_namespaces"] = tuple(filter(None, found["watch_namespaces"].split(",")))
        return cls(**found)

    @property
    def store_is_claim(self) -> bool:
        return self.store_url.startswith("file://")
