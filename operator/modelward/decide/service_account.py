"""Service accounts that users may give to pods: those that the installation names. Any other could be a way up."""

from modelward.api.pod import PodSettings
from modelward.errors import Refused
from modelward.settings import Settings


def allowed(pod: PodSettings, settings: Settings) -> None:
    """Raises Refused where the pod may not run as the account that is asked for."""
    asked = pod.service_account_name
    if asked is None or asked in settings.service_accounts:
        return
    known = ", ".join(settings.service_accounts) or "none"
    raise Refused(
        "ServiceAccountNotAllowed",
        f"spec.pod.serviceAccountName {asked} is not allowed by this installation (allowed: {known}): leave it out, or "
        "ask who installed Modelward to add it to the chart's allowedServiceAccounts",
    )
