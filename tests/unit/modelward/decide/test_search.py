"""A TrainingRun that searches: trials are begun, kept, counted, and the best one's model is the run's."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET

from modelward_contracts.reports import PublishReport, SearchResult, Termination, TrialReport
from modelward_contracts.search import Winner
from modelward_contracts.tasks import SCRIPT_FILE, TASK_FILE, TrainTask
from modelward_contracts.wire import canonical, decode

from .test_training_run import prepare, ready
from .workshop import NAMESPACE, Workshop, digest, ended, publish_report, said, waiting

PARAMETERS = [{"name": "C", "parameterType": "double", "feasibleSpace": {"min": 0, "max": 1}}]
SEARCH: dict[str, Any] = {
    "objective": {"type": "maximize", "metric": "auc"},
    "algorithm": {"name": "random"},
    "parameters": PARAMETERS,
    "parallelTrialCount": 2,
    "maxTrialCount": 5,
}


@pytest.fixture
async def workshop() -> Workshop:
    workshop = Workshop()
    await prepare(workshop)
    return workshop


async def begin(workshop: Workshop, **search: Any) -> None:
    workshop.run(search=SEARCH | search)
    await workshop.settle()


def trials(workshop: Workshop) -> list[int]:
    """That have a Job."""
    labels = [workshop.get("Job", name)["metadata"]["labels"] for name in workshop.names("Job")]
    return sorted(int(each["modelward.dev/trial"]) for each in labels if "modelward.dev/trial" in each)


def job(workshop: Workshop, number: int) -> str:
    return next(name for name in workshop.names("Job") if name.endswith(f"-trial-{number}"))


def task(workshop: Workshop, name: str) -> TrainTask:
    return decode(workshop.get("ConfigMap", name)["data"][TASK_FILE], TrainTask)


def measured(number: int, value: float, **excess: float) -> TrialReport:
    return TrialReport(
        trial=number,
        parameters={"C": number / 100},
        value=value,
        excess=excess,
        metrics={"auc": value},
        model=digest("e"),
        predictions=digest("f"),
    )


async def succeed(workshop: Workshop, number: int, value: float, **excess: float) -> None:
    workshop.succeed(measured(number, value, **excess), job(workshop, number))
    await workshop.settle()


async def fail(workshop: Workshop, number: int, step: str = "train", terminated: Any = None) -> None:
    """By default its training, after fetch has told what is tried."""
    fetched = Termination(result="Succeeded", reason="Fetched", message="fetched", trial={"C": number / 100})
    before = {} if step == "fetch" else {"fetch": ended(0, canonical(fetched).decode())}
    name = job(workshop, number)
    workshop.pod(name, before | {step: terminated or ended(1, "ValueError: no")}, phase="Failed")
    workshop.finish(name, "Failed", "PodFailurePolicy")
    await workshop.settle()


def search(workshop: Workshop) -> dict[str, Any]:
    found: dict[str, Any] = workshop.status("TrainingRun", "flights-a")["search"]
    return found


def states(workshop: Workshop) -> dict[int, str]:
    return {trial["number"]: trial["state"] for trial in search(workshop)["trials"]}


async def test_as_many_trials_as_may_run_are_begun_and_told_what_to_try(workshop: Workshop) -> None:
    await begin(workshop)
    assert trials(workshop) == [1, 2]
    told = task(workshop, job(workshop, 2))
    assert (told.trial, told.failed, told.winner) == (2, UNSET, UNSET)
    assert told.search
    assert (told.search.last, told.search.parallel, told.search.objective.maximize) == (5, 2, True)
    assert ready(workshop) == ("Unknown", "Searching", "trials 1 and 2 run; 0 of 5 are over; best so far: none")
    assert search(workshop)["summary"] == "0 of 5"


async def test_training_of_a_trial_sees_nothing_of_the_others(workshop: Workshop) -> None:
    await begin(workshop)
    pod = workshop.get("Job", job(workshop, 1))["spec"]["template"]["spec"]
    steps = {each["name"]: each for each in (*pod["initContainers"], *pod["containers"])}
    mounts = {name: {mount["name"] for mount in step["volumeMounts"]} for name, step in steps.items()}
    assert "handoff" in mounts["fetch"] & mounts["publish"]
    assert not {"handoff", "store"} & mounts["train"]


async def test_trials_that_a_queue_holds_are_told(workshop: Workshop) -> None:
    await begin(workshop)
    for number in (1, 2):
        live = workshop.get("Job", job(workshop, number))
        workshop.kube.put({**live, "spec": live["spec"] | {"suspend": True}})
    await workshop.settle()
    assert ready(workshop)[1] == "Suspended"
    assert ready(workshop)[2].startswith(f"trials 1 and 2 wait: Job {job(workshop, 1)} is suspended, until who did it")


async def test_trial_is_begun_when_all_that_it_may_know_are_over(workshop: Workshop) -> None:
    await begin(workshop)
    await succeed(workshop, 2, 0.8)
    assert trials(workshop) == [1], "trial 3 would have to know how trial 1 ended"
    assert states(workshop) == {1: "Running", 2: "Complete"}
    await succeed(workshop, 1, 0.7)
    assert trials(workshop) == [3, 4]
    assert ready(workshop)[2] == "trials 3 and 4 run; 2 of 5 are over; best so far: auc 0.8 in trial 2"
    progress = workshop.status("TrainingRun", "flights-a")["progress"]
    assert (progress["step"], progress["fraction"], progress["metrics"]) == ("search", 0.4, {"auc": 0.8})
    assert "Normal NewBest" in workshop.events()


async def test_trial_is_written_down_before_its_job_and_its_result_before_the_job_goes(workshop: Workshop) -> None:
    await begin(workshop)
    writes = len(workshop.kube.writes)
    await succeed(workshop, 1, 0.7)
    kinds = [write.split()[:2] for write in map(str, workshop.kube.writes[writes:])]
    assert "status" in str(kinds[0])


async def test_best_trial_is_measured_on_the_test_rows_and_registered(workshop: Workshop) -> None:
    await begin(workshop, maxTrialCount=2)
    await succeed(workshop, 2, 0.9)
    await succeed(workshop, 1, 0.9)
    name = workshop.job()
    assert "trial" not in name
    assert task(workshop, name).winner == Winner(trial=1, trials=2, failed=0), "of equals the first"
    pod = workshop.get("Job", name)["spec"]["template"]["spec"]
    steps = [each["name"] for each in (*pod["initContainers"], *pod["containers"])]
    assert steps == ["fetch", "publish"], "nothing is trained again"
    won = SearchResult(algorithm="random", metric="auc", value=0.9, trial=1, trials=2, failed=0, parameters={"C": 0.01})
    workshop.succeed(with_search(publish_report(), won))
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    lineage = workshop.get("ModelVersion", "flights-1")["spec"]["lineage"]
    assert lineage["search"] == {
        "algorithm": "random",
        "metric": "auc",
        "value": 0.9,
        "trial": 1,
        "trials": 2,
        "failed": 0,
        "parameters": {"C": 0.01},
    }


def with_search(report: PublishReport, won: SearchResult) -> PublishReport:
    from msgspec.structs import replace

    return replace(report, search=won)


async def test_text_in_a_discrete_list_is_refused_before_anything_is_made(workshop: Workshop) -> None:
    words = {"name": "C", "parameterType": "discrete", "feasibleSpace": {"list": [1, "2"]}}
    await begin(workshop, parameters=[words])
    assert ready(workshop)[1] == "InvalidSearch"
    assert "C is discrete, and '2' in its list is no number" in ready(workshop)[2]
    assert trials(workshop) == []


async def test_minimized_objective_takes_the_smallest_value(workshop: Workshop) -> None:
    await begin(workshop, objective={"type": "minimize", "metric": "log_loss"}, maxTrialCount=2)
    await succeed(workshop, 1, 0.4)
    await succeed(workshop, 2, 0.3)
    assert search(workshop)["best"]["number"] == 2


async def test_failed_trial_counts_and_its_job_stays_for_its_log(workshop: Workshop) -> None:
    await begin(workshop, maxFailedTrialCount=1)
    await fail(workshop, 1)
    assert trials(workshop) == [1, 2, 3]
    (trial, *_) = search(workshop)["trials"]
    assert (trial["state"], trial["parameters"]) == ("Failed", {"C": 0.01})
    assert "ValueError: no" in trial["message"]
    await succeed(workshop, 2, 0.7)
    assert task(workshop, job(workshop, 3)).failed == [1]
    await fail(workshop, 3)
    status, reason, message = ready(workshop)
    assert (status, reason) == ("False", "TooManyFailed")
    assert "2 trials failed, more than maxFailedTrialCount of 1; trial 3 with C 0.03: TrainFailed" in message
    assert workshop.condition("TrainingRun", "flights-a", "Failed")
    assert trials(workshop) == [1, 3], "what still ran is taken away"


async def test_failure_before_the_parameters_are_known_ends_the_run_at_once(workshop: Workshop) -> None:
    await begin(workshop)
    await fail(workshop, 1, "fetch", said("InvalidSearch", "search.objective.metric: 'rmse' is not measured"))
    assert ready(workshop) == ("False", "InvalidSearch", "trial 1: search.objective.metric: 'rmse' is not measured")
    assert trials(workshop) == [1]


async def test_infrastructure_that_stays_away_ends_the_run_which_another_may_take_up(workshop: Workshop) -> None:
    await begin(workshop)
    await fail(workshop, 1, "publish", said("StoreUnavailable", "the store does not answer", retryable=True))
    _, reason, message = ready(workshop)
    assert reason == "StoreUnavailable"
    assert "the same run under another metadata.name goes on from them" in message


async def test_trial_that_breaks_a_constraint_never_wins(workshop: Workshop) -> None:
    await begin(workshop, maxTrialCount=2, constraints=[{"metric": "model_bytes", "maximum": 1000}])
    await succeed(workshop, 1, 0.9, **{"model_bytes <= 1000": 500.0})
    await succeed(workshop, 2, 0.6, **{"model_bytes <= 1000": -10.0})
    assert states(workshop) == {1: "Infeasible", 2: "Complete"}
    assert search(workshop)["best"]["number"] == 2


async def test_run_fails_where_no_trial_keeps_the_constraints(workshop: Workshop) -> None:
    await begin(workshop, maxTrialCount=1, constraints=[{"metric": "model_bytes", "maximum": 1000}])
    await succeed(workshop, 1, 0.9, **{"model_bytes <= 1000": 500.0})
    _, reason, message = ready(workshop)
    assert reason == "NoFeasibleTrial"
    assert message == "none of 1 trials keeps the constraints; trial 1 with C 0.01: not model_bytes <= 1000"


async def test_goal_ends_the_search_for_all_trials_that_may_know_of_it(workshop: Workshop) -> None:
    await begin(workshop, objective={"type": "maximize", "metric": "auc", "goal": 0.8})
    await succeed(workshop, 1, 0.85)
    assert trials(workshop) == [2], "trial 3 may know of trial 1, and is not begun"
    await succeed(workshop, 2, 0.5)
    assert task(workshop, workshop.job()).winner == Winner(trial=1, trials=2, failed=0)


async def test_grid_ends_with_its_last_point(workshop: Workshop) -> None:
    steps = [{"name": "C", "parameterType": "double", "feasibleSpace": {"min": 0, "max": 1, "step": 0.5}}]
    await begin(workshop, algorithm={"name": "grid"}, parameters=steps, maxTrialCount=50)
    assert search(workshop)["summary"] == "0 of 3"
    for number in (1, 2, 3):
        await succeed(workshop, number, number / 10)
    assert task(workshop, workshop.job()).winner == Winner(trial=3, trials=3, failed=0)


async def test_suspended_search_gives_up_what_runs_and_goes_on_with_the_same_trials(workshop: Workshop) -> None:
    await begin(workshop)
    await succeed(workshop, 1, 0.7)
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert trials(workshop) == []
    assert ready(workshop)[1:] == ("Suspended", "nothing runs while spec.suspend is true: 1 of 5 trials are over")
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.settle()
    assert trials(workshop) == [2, 3]


async def test_deadline_is_that_of_all_trials_together_and_begins_anew_when_resumed(workshop: Workshop) -> None:
    workshop.run(search=SEARCH, activeDeadlineSeconds=600)
    await workshop.settle()
    workshop.now += timedelta(seconds=500)
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.pass_time(seconds=500)
    await workshop.pass_time(seconds=599)
    assert ready(workshop)[1] == "Searching"
    await workshop.pass_time(seconds=2)
    assert ready(workshop)[1] == "DeadlineExceeded"
    assert trials(workshop) == []


async def test_trial_whose_log_is_gone_is_asked_again(workshop: Workshop) -> None:
    """Its first step finds the record in the store."""
    await begin(workshop)
    uid = workshop.get("Job", job(workshop, 1))["metadata"]["uid"]
    workshop.succeed(measured(1, 0.7), job(workshop, 1), log=False)
    await workshop.settle()
    assert trials(workshop) == [1, 2]
    assert workshop.get("Job", job(workshop, 1))["metadata"]["uid"] != uid
    workshop.find_stored(measured(1, 0.7), job(workshop, 1))
    await workshop.settle()
    assert states(workshop)[1] == "Complete"
    assert trials(workshop) == [2, 3]


async def test_result_of_the_whole_run_that_a_trial_finds_in_the_store_is_registered(workshop: Workshop) -> None:
    await begin(workshop)
    workshop.find_stored(publish_report(), job(workshop, 1))
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    assert workshop.names("ModelVersion") == ["flights-1"]
    assert trials(workshop) == []


async def test_search_goes_on_where_the_job_that_found_a_stored_result_is_gone(workshop: Workshop) -> None:
    await begin(workshop)
    workshop.find_stored(publish_report(), job(workshop, 1))
    for _ in range(2):
        await workshop.look_at("TrainingRun", "flights-a")
    assert workshop.status("TrainingRun", "flights-a")["job"] == job(workshop, 1)
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job(workshop, 1))
    await workshop.settle()
    assert "job" not in workshop.status("TrainingRun", "flights-a")
    assert trials(workshop) == [1, 2]


async def test_script_that_is_edited_during_a_search_changes_no_trial(workshop: Workshop) -> None:
    map_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": NAMESPACE}}
    workshop.kube.put({**map_, "data": {"train.py": "first"}})
    workshop.run(search=SEARCH, script={"configMap": {"name": "mine"}})
    await workshop.settle()
    workshop.kube.put({**map_, "data": {"train.py": "second"}})
    await succeed(workshop, 1, 0.7)
    assert workshop.get("ConfigMap", job(workshop, 3))["data"][SCRIPT_FILE] == "first"


async def test_status_holds_the_newest_trials_and_the_best(workshop: Workshop) -> None:
    await begin(workshop, maxTrialCount=60, parallelTrialCount=1)
    for number in range(1, 58):
        await succeed(workshop, number, 0.9 if number == 2 else 0.5)
    assert list(states(workshop)) == list(range(8, 59))
    assert (search(workshop)["complete"], search(workshop)["best"]["number"]) == (57, 2)


async def test_problem_of_a_trials_pod_is_told(workshop: Workshop) -> None:
    await begin(workshop)
    pulling = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    workshop.pod(job(workshop, 2), {"fetch": pulling, "publish": waiting("PodInitializing")})
    await workshop.settle()
    assert ready(workshop)[1] == "ImagePullBackOff"
    assert ready(workshop)[2].startswith("trial 2: ")


async def test_sampled_search_registers_nothing(workshop: Workshop) -> None:
    workshop.run(search=SEARCH | {"maxTrialCount": 1}, sample=100)
    await workshop.settle()
    await succeed(workshop, 1, 0.7)
    workshop.succeed(publish_report())
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Sampled")
    assert workshop.names("ModelVersion") == []
