"""What is part of a revision's identity."""

from modelward.api.training_run import Resources
from modelward.decide.revision import revision_of

DIGEST = "sha256:" + "a" * 64


def test_setting_that_a_spec_does_not_say_is_no_part_of_the_identity() -> None:
    """Recorded before there was `batching`: a new default must start no rollout."""
    before = revision_of(DIGEST, Resources(), "scoring:1")
    assert before == "15f9a7c73c"
    assert revision_of(DIGEST, Resources(), "scoring:1", "Auto") == before
    assert revision_of(DIGEST, Resources(), "scoring:1", "Off") != before
