"""A model that was trained elsewhere: where it lies, and the digest that it must have."""

from typing import Annotated, Literal

from pydantic import Field

from modelward_contracts.tasks import PROTOCOLS

from .common import ApiModel, Digest, Name, rule, rules

ModelUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    f"self.matches('^({'|'.join(PROTOCOLS)})://[^/]+/[^*]+$')",
                    "import.url names one file or folder behind one of these: "
                    + ", ".join(f"{name}://" for name in PROTOCOLS)
                    + "; write `s3://bucket/model.onnx` or `https://host/model.onnx`, what is on a volume as `pvc`",
                ),
                rule(
                    "!self.matches('^(s3|https?)://[^/]*@')",
                    "import.url must hold no user and password: put them into a Secret as HTTP_USERNAME, HTTP_PASSWORD "
                    "and HTTP_HOST, and name it in import.secretName",
                ),
            ]
        },
    ),
]


class PvcModel(ApiModel):
    """On a PersistentVolumeClaim of the same namespace; mounted read-only."""

    claim_name: Name
    """Of the PersistentVolumeClaim."""
    path: Annotated[str, Field(min_length=1, max_length=1024)]
    """Of the file, or of the folder with MLmodel, below the volume's root."""


class ImportSpec(ApiModel):
    """An ONNX model of elsewhere. It is measured, profiled and gated on the run's Dataset as any other."""

    model_config = rules(
        rule(
            "has(self.url) != has(self.pvc)",
            "an import needs exactly one of url or pvc: write `import: {url: 's3://bucket/model.onnx', digest: …}` or "
            "`import: {pvc: {claimName: NAME, path: model.onnx}, digest: …}`",
        ),
        rule(
            "!has(self.secretName) || has(self.url)",
            "import.secretName is for a url: leave it out beside pvc",
        ),
    )
    url: ModelUrl | None = None
    """Of model.onnx, or, with format mlflow, of the folder with MLmodel or of the run that it is of."""
    pvc: PvcModel | None = None
    """Of a file, or of a folder that MLflow wrote, on a volume."""
    digest: Digest
    """Of model.onnx itself: `sha256sum model.onnx`."""
    format: Literal["onnx", "mlflow"] = "onnx"
    """mlflow: a folder that MLflow wrote, with the onnx flavour."""
    secret_name: Name | None = None
    """A Secret of the same namespace, labelled modelward.dev/use: source, with the keys that a Dataset's has."""
    exported_from: Annotated[dict[str, Annotated[str, Field(max_length=2048)]], Field(max_length=16)] = {}
    """Written by `modelward export`: namespace, version, store, run and data there, as who exported it says. What is
    proven is the digest alone."""

    @property
    def place(self) -> str:
        """In words; without what signs a URL."""
        if self.pvc:
            return f"{self.pvc.path} of the volume {self.pvc.claim_name}"
        return (self.url or "").partition("?")[0]
