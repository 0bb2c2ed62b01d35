"""The Secret that a source is read with: there, and labelled by whoever may hand its keys to Datasets.

Who may write a Dataset decides where a source is, and so where credentials are sent; the label is the word of who may
write the Secret. It is looked for each time before an ingest is started. Reasons (API): SourceSecretNotFound,
SourceSecretNotLabelled, SourceSecretsNotAllowed.
"""

from datetime import datetime

from modelward.api import Dataset
from modelward.errors import Refused, Wait
from modelward.names import LABEL
from modelward.settings import Settings

USE = LABEL + "use"
FOR_SOURCES = "source"
SECRET_NOT_FOUND, SECRET_NOT_LABELLED = "SourceSecretNotFound", "SourceSecretNotLabelled"
SECRETS_NOT_ALLOWED = "SourceSecretsNotAllowed"
_SOON, _LATER = 5.0, 60.0


def usable(dataset: Dataset, labels: dict[str, str] | None, settings: Settings, now: datetime) -> None:
    """`labels`: of the Secret; None: there is no such Secret. Raises Wait or Refused where it may not be used."""
    name = dataset.spec.secret_name
    if name is None:
        return
    if not settings.source_secrets:
        raise Refused(
            SECRETS_NOT_ALLOWED,
            "this installation lets Datasets use no Secrets: leave spec.secretName out, or ask who installed Modelward "
            "to set the chart's sources.secrets",
        )
    if labels is None:
        what = f"the Secret {name} does not exist in this namespace: create it with the label {USE}={FOR_SOURCES}"
        raise Wait(SECRET_NOT_FOUND, f"{what}, or correct spec.secretName", _again(dataset, now))
    if labels.get(USE) != FOR_SOURCES:
        what = f"the Secret {name} is not labelled {USE}={FOR_SOURCES}, so no Dataset may use it"
        order = f"kubectl label secret {name} {USE}={FOR_SOURCES}"
        raise Wait(SECRET_NOT_LABELLED, f"{what}: `{order}` if Datasets may read with its keys", _again(dataset, now))


def _again(dataset: Dataset, now: datetime) -> float:
    """Seconds: as long as it has been waited for, for Secrets are not watched."""
    ready = dataset.status.condition("Ready")
    since = ready.last_transition_time if ready and ready.status == "False" else None
    waited = (now - datetime.fromisoformat(since)).total_seconds() if since else 0.0
    return min(_LATER, max(_SOON, waited))
