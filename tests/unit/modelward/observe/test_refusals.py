"""The API server's own words, the same at each try."""

import pytest

from modelward.observe.refusals import in_its_words, refusal_of_deployment

WORDS = {
    'Error creating: pods "a-x7k2p" is forbidden: exceeded quota: team': "exceeded quota: team",
    'pods "a-x7k2p" is forbidden: violates PodSecurity "restricted:v1": x': 'violates PodSecurity "restricted:v1": x',
    'Error creating: Pod "a-x7k2p" is invalid: spec.containers[0]: Invalid value': "spec.containers[0]: Invalid value",
    'Error creating: admission webhook "p" denied the request: no': 'admission webhook "p" denied the request: no',
}


@pytest.mark.parametrize(("message", "words"), WORDS.items())
def test_words_are_kept_and_the_name_that_changes_is_not(message: str, words: str) -> None:
    assert in_its_words(message) == words


def test_deployment_that_can_make_its_pods_again_is_not_refused_any_more() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": 'pods "a-1" is forbidden: no'}
    assert refusal_of_deployment({"conditions": [failure]}) == "no"
    assert refusal_of_deployment({"conditions": [{**failure, "status": "False"}]}) is None
    assert refusal_of_deployment({}) is None
