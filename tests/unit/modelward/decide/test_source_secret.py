"""The Secret of a source: used if its owner has labelled it for that, and waited for until then."""

from typing import Any

import pytest

from modelward.decide.source_secret import USE

from .workshop import NAMESPACE, SETTINGS, Workshop, ingest_report

SOURCE = {"source": {"url": "s3://raw/*.csv"}, "secretName": "reader"}


def put_secret(workshop: Workshop, use: str | None = None) -> None:
    metadata = {"name": "reader", "namespace": NAMESPACE, "labels": {USE: use} if use else {}}
    workshop.kube.put(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"AWS_ACCESS_KEY_ID": "eA=="}}
    )


def ready(workshop: Workshop) -> tuple[str, str, str]:
    found = workshop.condition("Dataset", "flights")
    assert found
    return found


async def test_a_secret_that_is_missing_or_not_labelled_is_told_and_looked_for_again_ever_later() -> None:
    workshop = Workshop()
    workshop.dataset(**SOURCE)
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", "SourceSecretNotFound")
    assert "create it with the label modelward.dev/use=source" in ready(workshop)[2]
    assert (workshop.names("Job"), workshop.events()) == ([], ["Warning SourceSecretNotFound"])
    waits = []
    for _ in range(6):
        wait = await workshop.look_at("Dataset", "flights")
        assert wait
        waits.append(wait)
        await workshop.pass_time(seconds=wait)
    assert waits == [5, 5, 10, 20, 40, 60]
    put_secret(workshop)
    await workshop.settle()
    assert ready(workshop)[1] == "SourceSecretNotLabelled"
    assert "kubectl label secret reader modelward.dev/use=source" in ready(workshop)[2]
    put_secret(workshop, use="store")
    await workshop.settle()
    assert (ready(workshop)[1], workshop.names("Job")) == ("SourceSecretNotLabelled", [])
    put_secret(workshop, use="source")
    await workshop.settle()
    assert (ready(workshop)[1], len(workshop.names("Job"))) == ("Ingesting", 1)


async def test_a_label_that_is_taken_away_stops_the_next_ingest_and_no_version() -> None:
    workshop = Workshop()
    put_secret(workshop, use="source")
    workshop.dataset(**SOURCE, interval="1h")
    await workshop.settle()
    first = workshop.job()
    workshop.succeed(ingest_report())
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Ingested")
    put_secret(workshop)
    await workshop.pass_time(hours=1, minutes=1)
    assert ready(workshop)[1] == "SourceSecretNotLabelled"
    assert ready(workshop)[2].endswith("stays in service")
    assert workshop.job() == first
    put_secret(workshop, use="source")
    await workshop.settle()
    assert workshop.job() != first


async def test_a_job_that_was_not_made_yet_is_not_made_once_the_label_is_gone() -> None:
    workshop = Workshop()
    put_secret(workshop, use="source")
    workshop.dataset(**SOURCE)
    await workshop.settle()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, workshop.job())
    put_secret(workshop)
    await workshop.settle()
    assert (ready(workshop)[1], workshop.names("Job")) == ("SourceSecretNotLabelled", [])


async def test_an_installation_without_secrets_of_sources_refuses_and_reads_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workshop = Workshop(settings=SETTINGS.model_copy(update={"source_secrets": False}))

    async def forbidden(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(workshop.kube, "metadata", forbidden)
    put_secret(workshop, use="source")
    workshop.dataset(**SOURCE)
    await workshop.settle()
    assert (ready(workshop)[1], workshop.names("Job")) == ("SourceSecretsNotAllowed", [])
