"""The Secret that a source is read with: there, and labelled by whoever may hand its keys to Datasets and runs.

Who may write a Dataset or a TrainingRun decides where a source is, and so where credentials are sent; the label is the
word of who may write the Secret. It is looked for each time before a Job that reads the source is made. Reasons (API):
SourceSecretNotFound, SourceSecretNotLabelled, SourceSecretsNotAllowed.
"""

from datetime import datetime

from modelward.api.common import Condition
from modelward.errors import Refused, Wait
from modelward.names import LABEL
from modelward.settings import Settings

USE = LABEL + "use"
FOR_SOURCES = "source"
SECRET_NOT_FOUND, SECRET_NOT_LABELLED = "SourceSecretNotFound", "SourceSecretNotLabelled"
SECRETS_NOT_ALLOWED = "SourceSecretsNotAllowed"
_SOON, _LATER = 5.0, 60.0


def usable(
    name: str | None,
    labels: dict[str, str] | None,
    settings: Settings,
    ready: Condition | None,
    now: datetime,
    field: str = "spec.secretName",
) -> None:
    """`labels`: of the Secret that `field` names; None: there is no such Secret. `ready`: of who names it. Raises Wait
    or Refused where it may not be used."""
    if name is None:
        return
    if not settings.source_secrets:
        raise Refused(
            SECRETS_NOT_ALLOWED,
            f"this installation lets no source be read with a Secret: leave {field} out, or ask who installed "
            "Modelward to set the chart's sources.secrets",
        )
    if labels is None:
        what = f"the Secret {name} does not exist in this namespace: create it with the label {USE}={FOR_SOURCES}"
        raise Wait(SECRET_NOT_FOUND, f"{what}, or correct {field}", again(ready, now))
    if labels.get(USE) != FOR_SOURCES:
        what = f"the Secret {name} is not labelled {USE}={FOR_SOURCES}, so no source may be read with it"
        order = f"kubectl label secret {name} {USE}={FOR_SOURCES}"
        raise Wait(SECRET_NOT_LABELLED, f"{what}: `{order}` if its keys may be used so", again(ready, now))


def again(ready: Condition | None, now: datetime) -> float:
    """Seconds: as long as it has been waited for, for Secrets and ConfigMaps are not watched."""
    since = ready.last_transition_time if ready and ready.status == "False" else None
    waited = (now - datetime.fromisoformat(since)).total_seconds() if since else 0.0
    return min(_LATER, max(_SOON, waited))
