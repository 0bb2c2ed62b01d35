"""Scoring images that users may ask for: those of repositories that the installation names, and of its own.

They are the platform's word: the same image fetches the model, with the store's credentials.
"""

from modelward.api.model_deployment import Runtime
from modelward.errors import Refused
from modelward.settings import Settings


def allowed_image(runtime: Runtime, settings: Settings) -> None:
    """Raises Refused where the scoring image that is asked for is of another repository."""
    known = (repository(settings.scoring_image), *settings.scoring_repositories)
    if runtime.image is None or repository(runtime.image) in known:
        return
    raise Refused(
        "ImageNotAllowed",
        f"spec.runtime.image {runtime.image} is not allowed by this installation (allowed: images of "
        f"{', '.join(known)}): write one of these, or ask who installed Modelward to add its repository to the chart's "
        "allowedScoringRepositories",
    )


def repository(image: str) -> str:
    """Without tag and digest."""
    name = image.partition("@")[0]
    host, slash, path = name.rpartition("/")
    return host + slash + path.partition(":")[0]
