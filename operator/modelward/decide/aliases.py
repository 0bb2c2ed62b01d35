"""Which version of a model holds an alias.

Nothing is kept of it but what people said, in the status of each version (`asked_of_version`): the newest word on a
name tells who holds it, so that no two versions ever do.
"""

from collections.abc import Iterable, Iterator

from modelward.api import ModelVersion
from modelward.api.model_version import AliasWord

Said = tuple[ModelVersion, AliasWord]


def holder(name: str, versions: Iterable[ModelVersion]) -> Said | None:
    """Of one model's versions the one that holds the alias, by which word."""
    said = [(version, word) for version in versions for word in version.status.aliases if word.name == name]
    newest = max(said, key=lambda each: moment(each[1]), default=None)
    return newest if newest and not newest[1].removed else None


def held(words: Iterable[AliasWord]) -> list[AliasWord]:
    """The aliases that one version holds as far as its own words tell, by their names."""
    newest = {word.name: word for word in words}
    return [newest[name] for name in sorted(newest) if not newest[name].removed]


def given_away(version: ModelVersion, versions: Iterable[ModelVersion]) -> Iterator[AliasWord]:
    """The ends of the aliases that another version has been given since."""
    others = [each for each in versions if each.metadata.name != version.metadata.name]
    for word in held(version.status.aliases):
        taken = holder(word.name, others)
        if taken and moment(taken[1]) > moment(word):
            to, by = taken
            yield by.model_copy(update={"why": f"given to {to.metadata.name}", "removed": True, "before": None})


def moment(word: AliasWord) -> tuple[str, int, bool]:
    """For comparisons. An alias that moves ends and begins at the same time."""
    return word.time, word.order, not word.removed
