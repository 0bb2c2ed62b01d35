"""What the API server takes and what it refuses, rule by rule, with the words that tell the user what to write."""

from typing import Any, NamedTuple

import pytest

from api import engines, imports, searches
from api.client import Api, Manifest, RefusedByServer
from api.manifests import ABSENT, KINDS, changed, manifest

LONG = "a" * 64


class Case(NamedTuple):
    kind: str
    changes: dict[str, Any]
    message: str = ""


PVC = {"claimName": "raw", "path": "2013-*.csv"}
QUERY = {"spec.source": {"sql": {"query": "SELECT * FROM flights"}}, "spec.secretName": "reader"}
CONTAINER = {"image": "registry/flights:1", "command": ["python", "-m", "flights.train"]}
GIT = {
    "url": "https://git.example.com:8443/team/models.git",
    "revision": "refs/tags/v1.0-rc+1",
    "path": "training/train.py",
    "secretName": "models-reader",
}
CANARY = "spec.rollout.steps"
EXPECTED = "spec.expectations"
EVERY: list[dict[str, Any]] = [
    {"column": "age", "type": "integer", "minimum": 0, "maximum": 120.5, "maxMissing": 0.05, "unique": True},
    {"column": "plan", "in": ["free", "7", 7, -1], "matches": "[a-z]+"},
    {"rows": {"minimum": 1000}},
    {"fresh": {"column": "at", "maxAge": "36h"}},
    {"drift": {"maximum": 0.2}},
]
CHECKS = "spec.analysis.promql"

TERM = {"matchExpressions": [{"key": "gpu", "operator": "In", "values": ["a100"]}]}
NEIGHBOURS = {"labelSelector": {"matchLabels": {"app": "cache"}}, "topologyKey": "kubernetes.io/hostname"}
POD: dict[str, Any] = {
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}},
        "podAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": NEIGHBOURS}]
        },
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEIGHBOURS]},
    },
    "priorityClassName": "batch",
    "runtimeClassName": "gvisor",
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccountName": "bucket-reader",
    "labels": {"team": "air"},
    "annotations": {"team.example.com/owner": "a person"},
}
"""Each field that may be said."""

ACCEPTED = {
    "dataset from a volume": Case("Dataset", {"spec.source": {"pvc": PVC}}),
    "dataset from a database": Case("Dataset", QUERY),
    "table without a label": Case("Dataset", {"spec.columns": {"id": "tailnum", "pii": {"owner": "Drop"}}}),
    "container that prepares": Case(
        "Dataset", {"spec.prepare": {"container": CONTAINER, "resources": {"limits": {"memory": "4Gi"}}}}
    ),
    "container that joins datasets": Case(
        "Dataset",
        {"spec.source": {"datasets": [{"name": "a"}, {"name": "b"}]}, "spec.prepare": {"container": CONTAINER}},
    ),
    "dataset of another one": Case("Dataset", {"spec.source": {"datasets": [{"name": "raw-2013.a"}]}}),
    "dataset of several others": Case(
        "Dataset",
        {
            "spec.source": {"datasets": [{"name": "a-b", "as": "a"}, *({"name": f"d{n}"} for n in range(15))]},
            "spec.prepare": {"sql": "SELECT * FROM a"},
        },
    ),
    "dataset from an object store": Case("Dataset", {"spec.source": {"url": "s3://raw/2013/**/*.csv"}}),
    "dataset from a web server, with a Secret": Case(
        "Dataset", {"spec.source": {"url": "https://[::1]:8443/a@b.csv?x=1&y=*"}, "spec.secretName": "flights-reader"}
    ),
    "dataset from an account of Azure": Case(
        "Dataset", {"spec.source": {"url": "abfs://raw@account.dfs.core.windows.net/a.csv"}}
    ),
    "dataset with all columns": Case(
        "Dataset", {"spec.columns": {"label": "late", "id": "id", "time": "hour", "forbidden": ["dep_delay"]}}
    ),
    "personal columns that are hashed or dropped": Case(
        "Dataset", {"spec.columns.pii": {"email": "Drop", "id": "Hash"}, "spec.columns.missing": "AsNull"}
    ),
    "split by group": Case("Dataset", {"spec.columns.group": "customer", "spec.splits": {"by": "group"}}),
    "hashed group": Case("Dataset", {"spec.columns.group": "customer", "spec.columns.pii": {"customer": "Hash"}}),
    "split by time": Case("Dataset", {"spec.columns.time": "hour", "spec.splits": {"by": "time", "testPercent": 10}}),
    "json lines": Case("Dataset", {"spec.format": "jsonl"}),
    "how csv files are written": Case(
        "Dataset",
        {
            "spec.csv": {
                "header": False,
                "delimiter": "\t",
                "quote": "",
                "encoding": "windows-1252",
                "decimal": ",",
                "thousands": ".",
                "nullValues": ["-"],
                "skipLines": 3,
                "comment": "#",
            },
            "spec.columns.types": {"zip": "string", "hour": "timestamp"},
        },
    ),
    "batching switched off": Case("ModelDeployment", {"spec.batching": "Off"}),
    "batching switched off as YAML reads it without quotes": Case("ModelDeployment", {"spec.batching": False}),
    "splits that leave rows to train on": Case(
        "Dataset", {"spec.splits": {"validationPercent": 49, "testPercent": 50}}
    ),
    "one split that leaves rows to train on": Case("Dataset", {"spec.splits": {"testPercent": 89}}),
    "interval of two parts": Case("Dataset", {"spec.interval": "1h30m"}),
    "every expectation": Case("Dataset", {EXPECTED: EVERY}),
    "as many expectations as there may be": Case("Dataset", {EXPECTED: [EVERY[1]] * 100}),
    "schedule of lists, ranges and steps": Case(
        "Dataset", {"spec.schedule": "*/15 8-18,22 1-31/2 JAN,7 mon-FRI", "spec.timeZone": "America/Argentina/Ushuaia"}
    ),
    "schedule in short": Case("Dataset", {"spec.schedule": "@hourly"}),
    "schedule with Sunday as 7 and more space": Case("Dataset", {"spec.schedule": "0  03 * *   7"}),
    "zone with a sign": Case("Dataset", {"spec.schedule": "@daily", "spec.timeZone": "Etc/GMT+5"}),
    "history of one": Case("Dataset", {"spec.historyLimit": 1}),
    "longest dataset name": Case("Dataset", {"metadata.name": "a" * 40}),
    "run that starts with a digit": Case("TrainingRun", {"metadata.name": "2013-flights"}),
    "longest run name": Case("TrainingRun", {"metadata.name": "a" * 50}),
    "container": Case("TrainingRun", {"spec.estimator": ABSENT, "spec.container": CONTAINER}),
    "script of a ConfigMap": Case(
        "TrainingRun", {"spec.estimator": ABSENT, "spec.script": {"configMap": {"name": "fit"}}}
    ),
    "script of a ConfigMap's key, in a definition": Case(
        "RegisteredModel",
        {"spec.run.estimator": ABSENT, "spec.run.script": {"configMap": {"name": "fit", "key": "train.py"}}},
    ),
    "script of git": Case("TrainingRun", {"spec.estimator": ABSENT, "spec.script": {"git": GIT}}),
    "script of git at a commit": Case(
        "TrainingRun",
        {"spec.estimator": ABSENT, "spec.script": {"git": GIT | {"revision": "a" * 40, "path": ".ci/a.b/c d.py"}}},
    ),
    "parameters of each type": Case(
        "TrainingRun", {"spec.parameters": {"depth": 3, "rate": 0.5, "loss": "log", "warm": True}}
    ),
    "gate with one bound": Case("TrainingRun", {"spec.gates": [{"metric": "auc", "minimum": 0.7}]}),
    "gate with two bounds": Case("TrainingRun", {"spec.gates": [{"metric": "r2", "minimum": -1, "maximum": 1}]}),
    "gates of every kind": Case(
        "TrainingRun",
        {
            "spec.evaluation": {
                "slices": [{"column": "carrier"}, {"column": "age", "minimumRows": 20}],
                "baseline": "Linear",
                "importance": {},
            },
            "spec.gates": [
                {"metric": "latency_p99_seconds", "maximum": 0.01},
                {"metric": "auc", "slice": "Worst", "minimum": 0.6},
                {"metric": "auc", "notWorseThan": "Serving"},
                {"metric": "log_loss", "notWorseThan": "Baseline", "margin": -0.05, "onUnclear": "Pass"},
            ],
        },
    ),
    "gates of a registered model": Case(
        "RegisteredModel",
        {
            "spec.run.evaluation": {"slices": [{"column": "carrier"}] * 16},
            "spec.run.gates": [{"metric": "auc", "slice": "Worst", "minimum": 0.6}] * 32,
        },
    ),
    "quantities as in a pod": Case(
        "TrainingRun", {"spec.resources": {"requests": {"cpu": "500m", "memory": "1.5Gi"}, "limits": {"cpu": 2}}}
    ),
    "environment": Case(
        "TrainingRun",
        {"spec.estimator": ABSENT, "spec.container": CONTAINER | {"env": [{"name": "TZ", "value": "UTC"}]}},
    ),
    "half a processor as a number": Case("ModelDeployment", {"spec.resources": {"requests": {"cpu": 0.5}}}),
    "resources of every step": Case(
        "TrainingRun",
        {"spec.stepResources": {"fetch": {"limits": {"cpu": 1}}, "publish": {"limits": {"cpu": "1", "memory": "1Gi"}}}},
    ),
    "inline data of 200 KiB": Case("Dataset", {"spec.source.inline.data": "a" * 204_800}),
    "a pod's settings for a dataset": Case("Dataset", {"spec.pod": POD}),
    "a pod's settings for a run": Case("TrainingRun", {"spec.pod": POD}),
    "a pod's settings for a deployment": Case(
        "ModelDeployment",
        {
            "spec.pod": POD
            | {"topologySpreadConstraints": [{"topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}]}
        },
    ),
    "recommended labels, a team's own and a mesh for servers": Case(
        "ModelDeployment",
        {
            "spec.pod": {
                "labels": {
                    "app.kubernetes.io/part-of": "shop",
                    "team.example.com/cost": "7",
                    "azure.workload.identity/use": "true",
                },
                "annotations": {
                    "sidecar.istio.io/inject": "true",
                    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                },
            }
        },
    ),
    "no spreading": Case("ModelDeployment", {"spec.pod": {"topologySpreadConstraints": []}}),
    "budget of a share": Case("ModelDeployment", {"spec.disruptionBudget": {"maxUnavailable": "25%"}}),
    "no budget": Case("ModelDeployment", {"spec.disruptionBudget": {"enabled": False}}),
    "version by number": Case("ModelDeployment", {"spec.modelRef.version": 3}),
    "version by number as text": Case("ModelDeployment", {"spec.modelRef.version": "3"}),
    "version by name": Case("ModelDeployment", {"spec.modelRef.version": "Latest"}),
    "version by alias": Case("ModelDeployment", {"spec.modelRef.version": "champion"}),
    "version by digest": Case("ModelDeployment", {"spec.modelRef.version": "sha256:" + "0a" * 32}),
    "no replicas": Case("ModelDeployment", {"spec.replicas": 0}),
    "pauses between steps": Case(
        "ModelDeployment", {CANARY: [{"pause": {}}, {"weight": 10}, {"pause": {"duration": "10m"}}, {"weight": 50}]}
    ),
    "requests by header and by key": Case(
        "ModelDeployment",
        {
            "spec.rollout.matches": [{"header": "X-Canary", "value": "yes, please"}],
            "spec.rollout.sticky": {"header": "x-user"},
        },
    ),
    "approval": Case("ModelDeployment", {"spec.rollout.approval": "Required"}),
    "checks of one's own": Case(
        "ModelDeployment",
        {
            "spec.analysis.promql": [
                {"query": 'sum(rate(refunds_total{rev="{{candidate}}"}[2m]))', "maximum": 0.01, "dryRun": True},
                {"name": "share", "query": "a{x='{{ namespace }}/{{name}}'} / b{}", "minimum": 0.5, "maximum": 2},
                {"name": "queue", "query": "sum(\n  queue\n)", "maximum": 5, "server": "business"},
            ]
        },
    ),
    "rising steps": Case("ModelDeployment", {CANARY: [{"weight": 1}, {"weight": 1}, {"weight": 50}]}),
}

REFUSED = {
    "dataset without a source": Case(
        "Dataset", {"spec.source": {}}, "write `source: {pvc: {claimName: NAME, path: GLOB}}`"
    ),
    "dataset of two sources": Case(
        "Dataset", {"spec.source.pvc": PVC}, "source needs exactly one of pvc, inline, url, sql or datasets"
    ),
    "query without a Secret": Case(
        "Dataset", {"spec.source": {"sql": {"query": "SELECT 1"}}}, "source.sql needs spec.secretName: a Secret with"
    ),
    "format of a query": Case(
        "Dataset", QUERY | {"spec.format": "csv"}, "spec.format and spec.csv are for files: leave them out"
    ),
    "dataset of a local file": Case(
        "Dataset",
        {"spec.source": {"url": "file:///etc/passwd"}},
        "source.url must name files behind one of these: s3://",
    ),
    "dataset of a chain of protocols": Case(
        "Dataset", {"spec.source": {"url": "simplecache::s3://raw/a.csv"}}, "files of a volume as `pvc`"
    ),
    "dataset of a bare bucket": Case("Dataset", {"spec.source": {"url": "s3://raw"}}, "write `s3://bucket/2013-*.csv`"),
    "password in a URL": Case(
        "Dataset", {"spec.source": {"url": "https://me:secret@host/a.csv"}}, "source.url must hold no user and password"
    ),
    "Secret of a volume": Case("Dataset", {"spec.secretName": "a"}, "spec.secretName is for source.url and source.sql"),
    "split of nothing to predict": Case(
        "Dataset", {"spec.columns": {"id": "a"}, "spec.splits": {"testPercent": 5}}, "without columns.label nothing is"
    ),
    "prepared by nothing": Case(
        "Dataset", {"spec.prepare": {}}, "prepare needs exactly one of sql or container: write"
    ),
    "prepared twice": Case(
        "Dataset", {"spec.prepare": {"sql": "SELECT 1", "container": CONTAINER}}, "prepare needs exactly one of sql or"
    ),
    "resources of SQL": Case(
        "Dataset",
        {"spec.prepare": {"sql": "SELECT 1", "resources": {"limits": {"memory": "4Gi"}}}},
        "prepare.resources are the container's: write them as spec.resources",
    ),
    "several datasets that nothing joins": Case(
        "Dataset",
        {"spec.source": {"datasets": [{"name": "a"}, {"name": "b"}]}},
        "several source.datasets need `prepare:",
    ),
    "two tables of one name": Case(
        "Dataset",
        {
            "spec.source": {"datasets": [{"name": "a-b"}, {"name": "c", "as": "a_b"}]},
            "spec.prepare": {"sql": "SELECT * FROM a_b"},
        },
        "two of source.datasets have the same table name: write `as:` beside one of them",
    ),
    "one dataset twice": Case(
        "Dataset",
        {
            "spec.source": {"datasets": [{"name": "a"}, {"name": "a", "as": "b"}]},
            "spec.prepare": {"sql": "SELECT * FROM a"},
        },
        "Duplicate value",
    ),
    "table that SQL would have to quote": Case(
        "Dataset", {"spec.source": {"datasets": [{"name": "a", "as": "A b"}]}}, "spec.source.datasets[0].as"
    ),
    "format of datasets": Case(
        "Dataset", {"spec.source": {"datasets": [{"name": "a"}]}, "spec.format": "csv"}, "spec.format and spec.csv are"
    ),
    "types of datasets": Case(
        "Dataset",
        {"spec.source": {"datasets": [{"name": "a"}]}, "spec.columns.types": {"zip": "string"}},
        "columns.types is for files and queries",
    ),
    "personal columns of datasets": Case(
        "Dataset",
        {"spec.source": {"datasets": [{"name": "a"}]}, "spec.columns.pii": {"mail": "Hash"}},
        "columns.pii is for files and queries: drop or hash in the Dataset that reads them",
    ),
    "label that identifies": Case(
        "Dataset", {"spec.columns.id": "late"}, "columns.id and columns.label must be different columns"
    ),
    "one character for two things": Case(
        "Dataset",
        {"spec.csv": {"decimal": ",", "thousands": ","}},
        "csv.decimal and csv.thousands must be different characters",
    ),
    "delimiter of nothing": Case("Dataset", {"spec.csv.delimiter": ""}, "csv.delimiter must be a character"),
    "delimiter of two characters": Case("Dataset", {"spec.csv.delimiter": "::"}, "may not be more than 1"),
    "csv settings of parquet files": Case(
        "Dataset", {"spec.format": "parquet", "spec.csv": {"header": True}}, "spec.csv is for `format: csv`"
    ),
    "type of a column that there is not": Case("Dataset", {"spec.columns.types": {"zip": "text"}}, "supported values"),
    "batching in other words": Case("ModelDeployment", {"spec.batching": True}, "supported values"),
    "forbidden label": Case(
        "Dataset", {"spec.columns.forbidden": ["late"]}, "columns.forbidden must not hold the label"
    ),
    "forbidden id": Case(
        "Dataset", {"spec.columns.forbidden": ["id"]}, "columns.forbidden must not hold columns.id or columns.time"
    ),
    "forbidden time": Case(
        "Dataset",
        {"spec.columns.time": "hour", "spec.columns.forbidden": ["hour"]},
        "columns.forbidden must not hold columns.id or columns.time",
    ),
    "personal label": Case(
        "Dataset", {"spec.columns.pii": {"late": "Hash"}}, "columns.pii must not hold columns.label or columns.time"
    ),
    "personal time": Case(
        "Dataset",
        {"spec.columns.pii": {"hour": "Drop"}, "spec.columns.time": "hour"},
        "columns.pii must not hold columns.label or columns.time",
    ),
    "dropped id": Case("Dataset", {"spec.columns.pii": {"id": "Drop"}}, "columns.pii must not drop columns.id"),
    "type of a personal column": Case(
        "Dataset",
        {"spec.columns.pii": {"zip": "Hash"}, "spec.columns.types": {"zip": "integer"}},
        "columns.types must not hold columns of columns.pii: a hash is text",
    ),
    "dropped group": Case(
        "Dataset",
        {"spec.columns.group": "customer", "spec.columns.pii": {"customer": "Drop"}},
        "columns.group must be there",
    ),
    "label as a group": Case("Dataset", {"spec.columns.group": "late"}, "columns.group must be another column"),
    "id as a group": Case("Dataset", {"spec.columns.group": "id"}, "columns.group must be another column"),
    "split by a group that is not named": Case(
        "Dataset", {"spec.splits": {"by": "group"}}, "splits.by is group: write"
    ),
    "split by a time that is not named": Case("Dataset", {"spec.splits": {"by": "time"}}, "splits.by is time: write"),
    "csv options of json lines": Case(
        "Dataset", {"spec.format": "jsonl", "spec.csv": {"header": False}}, "spec.csv is for `format: csv`"
    ),
    "nothing left to train on": Case(
        "Dataset",
        {"spec.splits": {"validationPercent": 50, "testPercent": 50}},
        "splits.validationPercent and splits.testPercent must leave rows to train on: together below 100",
    ),
    "nothing left by the default": Case("Dataset", {"spec.splits": {"testPercent": 90}}, "together below 100"),
    "columns that are missing": Case("Dataset", {"spec.columns": ABSENT}, "spec.columns: Required value"),
    "format that we do not read": Case("Dataset", {"spec.format": "xlsx"}, 'supported values: "csv", "parquet"'),
    "interval and schedule": Case(
        "Dataset", {"spec.interval": "1h", "spec.schedule": "@hourly"}, "write either `interval: 1h` or `schedule: "
    ),
    "time zone without a schedule": Case(
        "Dataset", {"spec.timeZone": "Europe/Berlin"}, "spec.timeZone is for spec.schedule: write `schedule: "
    ),
    **{
        f"schedule {schedule!r}": Case("Dataset", {"spec.schedule": schedule}, 'write "30 3 * * MON-FRI" or @hourly')
        for schedule in (
            *("30 3 * *", "0 30 3 * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
            *("*/0 * * * *", "@every 1h", "TZ=Europe/Berlin 30 3 * * *", "* * L * *", "daily", " 30 3 * * *"),
        )
    },
    **{
        f"time zone {zone!r}": Case(
            "Dataset", {"spec.schedule": "@daily", "spec.timeZone": zone}, "write Europe/Berlin or Etc/UTC"
        )
        for zone in ("Local", "localtime", "+02:00", "../Berlin", "Europe Berlin")
    },
    "registered model with a zone and no schedule": Case(
        "RegisteredModel",
        {"spec.triggers.timeZone": "Europe/Berlin"},
        "triggers.timeZone is for triggers.schedule: write",
    ),
    "registered model that is pinned to a version": Case(
        "RegisteredModel",
        {"spec.run.datasetRef.version": "flights-1"},
        "spec.run.datasetRef.version pins one version for ever: leave it out",
    ),
    "registered model without a trainer": Case(
        "RegisteredModel", {"spec.run.estimator": ABSENT}, "exactly one of estimator, script or container"
    ),
    "registered model whose name begins with a digit": Case(
        "RegisteredModel", {"metadata.name": "2013-flights"}, "starting with a letter: it is the model's"
    ),
    "registered model with a budget of nothing": Case(
        "RegisteredModel", {"spec.budget.runsPerDay": 0}, "spec.budget.runsPerDay"
    ),
    "history of nothing": Case("Dataset", {"spec.historyLimit": 0}, "spec.historyLimit"),
    "interval without a unit": Case("Dataset", {"spec.interval": "30"}, "spec.interval"),
    "empty inline data": Case("Dataset", {"spec.source.inline.data": ""}, "spec.source.inline.data"),
    "long dataset name": Case("Dataset", {"metadata.name": "a" * 41}, "metadata.name must have at most 40 characters"),
    "dataset name with a dot": Case(
        "Dataset", {"metadata.name": "a.b"}, "metadata.name must be lower-case letters, digits and dashes"
    ),
    "expectation of nothing": Case(
        "Dataset", {EXPECTED: [{}]}, "an expectation is about one of column, rows, fresh or"
    ),
    "expectation about two things": Case(
        "Dataset",
        {EXPECTED: [{"rows": {"minimum": 1}, "drift": {"maximum": 0.2}}]},
        "an expectation is about one of column, rows, fresh or drift: write `{column: NAME, minimum: 0}`",
    ),
    "expectation that expects nothing of its column": Case(
        "Dataset", {EXPECTED: [{"column": "age"}]}, "an expectation about a column says what is expected of it"
    ),
    "expectation of no column": Case(
        "Dataset", {EXPECTED: [{"rows": {"minimum": 1}, "in": ["a"]}]}, "an expectation about a column says"
    ),
    "bounds that are exchanged": Case(
        "Dataset", {EXPECTED: [{"column": "age", "minimum": 2, "maximum": 1.5}]}, "minimum must not be above maximum"
    ),
    "column that must not be unique": Case(
        "Dataset", {EXPECTED: [{"column": "age", "unique": False}]}, "unique is true or left out"
    ),
    "no value that there may be": Case("Dataset", {EXPECTED: [{"column": "age", "in": []}]}, "expectations[0].in"),
    "missing in percent": Case("Dataset", {EXPECTED: [{"column": "age", "maxMissing": 5}]}, "less than or equal to 1"),
    "type of another world": Case("Dataset", {EXPECTED: [{"column": "age", "type": "int"}]}, "supported values"),
    "age without a unit": Case(
        "Dataset", {EXPECTED: [{"fresh": {"column": "at", "maxAge": "1d"}}]}, "expectations[0].fresh.maxAge"
    ),
    "drift of nothing": Case("Dataset", {EXPECTED: [{"drift": {"maximum": 0}}]}, "expectations[0].drift.maximum"),
    "too many expectations": Case("Dataset", {EXPECTED: [{"rows": {"minimum": 1}}] * 101}, "at most 100 items"),
    "long dataset version name": Case("DatasetVersion", {"metadata.name": LONG}, "at most 63 characters"),
    "dataset version without a digest": Case("DatasetVersion", {"spec.digest": "1"}, "spec.digest"),
    "run of nothing": Case(
        "TrainingRun",
        {"spec.estimator": ABSENT},
        "needs exactly one of estimator, script, container, import or reproduce",
    ),
    "run of two things": Case(
        "TrainingRun", {"spec.container": CONTAINER}, "write `estimator: {name: LogisticRegression}`, `script:"
    ),
    "tests of an estimator": Case(
        "TrainingRun", {"spec.tests": {"command": ["pytest"]}}, "tests and checkpoint are for code of your own"
    ),
    "gate without a bound": Case(
        "TrainingRun", {"spec.gates": [{"metric": "auc"}]}, "write `minimum:` or `maximum:` beside `metric:`"
    ),
    "gate on what nobody measures": Case(
        "TrainingRun", {"spec.gates": [{"metric": "acuracy", "minimum": 1}]}, 'supported values: "accuracy"'
    ),
    "gate of a registered model on what nobody measures": Case(
        "RegisteredModel", {"spec.run.gates": [{"metric": "auroc", "minimum": 1}]}, "spec.run.gates[0].metric"
    ),
    "comparison with a bound": Case(
        "TrainingRun",
        {"spec.gates": [{"metric": "auc", "notWorseThan": "Serving", "minimum": 0.7}]},
        "notWorseThan stands for itself: write another gate",
    ),
    "margin of a bound": Case(
        "TrainingRun",
        {"spec.gates": [{"metric": "auc", "minimum": 0.7, "margin": 0.01}]},
        "write `notWorseThan: Serving` beside them",
    ),
    "margin of nothing": Case(
        "TrainingRun",
        {"spec.gates": [{"metric": "auc", "notWorseThan": "Serving", "margin": 0}]},
        "a margin of 0 leaves no room for chance",
    ),
    "latency that is compared": Case(
        "TrainingRun",
        {"spec.gates": [{"metric": "latency_p99_seconds", "notWorseThan": "Serving"}]},
        "size and latency are compared with nothing and have no slices: write `maximum:`",
    ),
    "worst slice that is compared": Case(
        "TrainingRun",
        {
            "spec.evaluation": {"slices": [{"column": "a"}]},
            "spec.gates": [{"metric": "auc", "slice": "Worst", "notWorseThan": "Serving"}],
        },
        "the worst slice has no counterpart",
    ),
    "worst slice of none": Case(
        "TrainingRun",
        {"spec.gates": [{"metric": "auc", "slice": "Worst", "minimum": 0.7}]},
        "write `evaluation: {slices: [{column: NAME}]}`",
    ),
    "worst slice of none in a registered model": Case(
        "RegisteredModel",
        {"spec.run.gates": [{"metric": "auc", "slice": "Worst", "minimum": 0.7}]},
        "write `evaluation: {slices: [{column: NAME}]}`",
    ),
    "gate that nothing passes": Case(
        "TrainingRun",
        {"spec.gates": [{"metric": "auc", "minimum": 1, "maximum": 0}]},
        "a gate's minimum must not be above its maximum",
    ),
    "environment of ours": Case(
        "TrainingRun",
        {
            "spec.estimator": ABSENT,
            "spec.container": CONTAINER | {"env": [{"name": "MODELWARD_INPUT", "value": "/"}]},
        },
        "write values of your own under `parameters:`",
    ),
    "environment that says a thing twice": Case(
        "TrainingRun",
        {"spec.estimator": ABSENT, "spec.container": CONTAINER | {"env": [{"name": "TZ"}, {"name": "TZ"}]}},
        "Duplicate value",
    ),
    "estimator and script": Case(
        "TrainingRun", {"spec.script": {"git": GIT}}, "exactly one of estimator, script, container, import or reproduce"
    ),
    **{
        f"script of {what}": Case("TrainingRun", {"spec.estimator": ABSENT, "spec.script": script}, message)
        for what, script, message in (
            ("nowhere", {}, "a script is either in a ConfigMap or in git: write `configMap: {name: …}` or"),
            ("both", {"configMap": {"name": "fit"}, "git": GIT}, "a script is either in a ConfigMap or in git"),
            ("a text", {"configMap": {"name": "fit", "key": "train.txt"}}, "write `key: train.py`"),
            *(
                (f"the path {path!r}", {"git": GIT | {"path": path}}, "write `path: training/train.py`")
                for path in (
                    "",
                    "/train.py",
                    "../train.py",
                    "a/../train.py",
                    "a/./train.py",
                    "train",
                    "a//b.py",
                    ".py/",
                )
            ),
            *(
                (f"the revision {revision!r}", {"git": GIT | {"revision": revision}}, "write `revision: main`")
                for revision in ("", "main dev", "a..b", "HEAD~1")
            ),
            *(
                (f"the URL {url!r}", {"git": GIT | {"url": url}}, "url takes https://host/repository.git or http://…")
                for url in (
                    "git@github.com:team/models.git",
                    "ssh://git@github.com/team/models.git",
                    "file:///etc",
                    "https://user:password@github.com/team/models.git",
                    "https://github.com",
                    "https://github.com/a.git?x=1",
                )
            ),
        )
    },
    "parameters below parameters": Case("TrainingRun", {"spec.parameters": {"a": {"b": 1}}}, "spec.parameters.a"),
    "list of parameters": Case("TrainingRun", {"spec.parameters": {"a": [1]}}, "spec.parameters.a"),
    "quantity of no unit we know": Case(
        "TrainingRun", {"spec.resources": {"limits": {"memory": "2 GB"}}}, "spec.resources.limits.memory"
    ),
    "quantity of yes": Case("TrainingRun", {"spec.resources": {"limits": {"cpu": True}}}, "spec.resources.limits.cpu"),
    "quantity below nothing": Case(
        "TrainingRun", {"spec.resources": {"limits": {"cpu": -0.5}}}, "should be greater than or equal to 0"
    ),
    "inline data of more than 200 KiB": Case(
        "Dataset",
        {"spec.source.inline.data": "é" * 102_401},
        "source.inline.data has more than 200 KiB, of which `kubectl apply` could not keep its copy",
    ),
    "host's network": Case("Dataset", {"spec.pod": {"hostNetwork": True}}, 'unknown field "spec.pod.hostNetwork"'),
    "pod's own security": Case(
        "ModelDeployment", {"spec.pod": {"securityContext": {}}}, 'unknown field "spec.pod.securityContext"'
    ),
    "misspelt affinity": Case(
        "Dataset", {"spec.pod": {"affinity": {"nodeAfinity": {}}}}, 'unknown field "spec.pod.affinity.nodeAfinity"'
    ),
    "class of the cluster's own": Case(
        "Dataset",
        {"spec.pod": {"priorityClassName": "system-node-critical"}},
        "pod.priorityClassName: the classes system-… are the cluster's own: name another",
    ),
    "label of ours": Case(
        "ModelDeployment", {"spec.pod": {"labels": {"modelward.dev/deployment": "other"}}}, "pod.labels: keys below"
    ),
    "label by which servers are known": Case(
        "ModelDeployment", {"spec.pod": {"labels": {"app.kubernetes.io/component": "x"}}}, "pod.labels: keys below"
    ),
    "label of the Job controller": Case(
        "Dataset", {"spec.pod": {"labels": {"batch.kubernetes.io/job-name": "x"}}}, "use keys of your own"
    ),
    "annotation that turns AppArmor off": Case(
        "ModelDeployment",
        {"spec.pod": {"annotations": {"container.apparmor.security.beta.kubernetes.io/server": "unconfined"}}},
        "may change how a pod is confined",
    ),
    "annotation that a runtime obeys": Case(
        "Dataset",
        {"spec.pod": {"annotations": {"io.kubernetes.cri-o.userns-mode": "auto"}}},
        "pod.annotations: keys below kubernetes.io/, k8s.io/ and modelward.dev/ and io.",
    ),
    "annotation that brings devices": Case(
        "TrainingRun", {"spec.pod": {"annotations": {"cdi.k8s.io/gpu": "all"}}}, "may change how a pod is confined"
    ),
    "job in a mesh": Case(
        "TrainingRun",
        {"spec.pod": {"annotations": {"sidecar.istio.io/inject": "true"}}},
        "pod.annotations: a Job's pods stay out of the mesh, because a sidecar would never let them end",
    ),
    "other counters": Case(
        "ModelDeployment",
        {"spec.pod": {"annotations": {"prometheus.io/port": "1"}}},
        "pod.annotations: prometheus.io/scrape, port and path are set by the operator",
    ),
    "budget that holds up every drain": Case(
        "ModelDeployment",
        {"spec.disruptionBudget": {"maxUnavailable": 0}},
        "disruptionBudget.maxUnavailable must be a number from 1, or a share such as 25%",
    ),
    "privileges are not on the list": Case(
        "TrainingRun",
        {"spec.estimator": ABSENT, "spec.container": CONTAINER | {"securityContext": {"privileged": True}}},
        'unknown field "spec.container.securityContext"',
    ),
    "root": Case(
        "TrainingRun",
        {"spec.estimator": ABSENT, "spec.container": CONTAINER | {"runAsUser": 0}},
        "spec.container.runAsUser",
    ),
    "model name in capitals": Case("TrainingRun", {"spec.modelName": "Flights"}, "spec.modelName"),
    "long run name": Case("TrainingRun", {"metadata.name": "a" * 51}, "metadata.name must have at most 50 characters"),
    "version zero of a model": Case("ModelVersion", {"spec.version": 0}, "spec.version"),
    "version zero": Case(
        "ModelDeployment",
        {"spec.modelRef.version": 0},
        "modelRef.version must be Latest, a number such as 3, a digest sha256:…, or an alias such as champion",
    ),
    "version in small letters": Case(
        "ModelDeployment", {"spec.modelRef.version": "latest"}, "modelRef.version must be Latest"
    ),
    "version by an alias in capitals": Case(
        "ModelDeployment", {"spec.modelRef.version": "Champion"}, "modelRef.version must be Latest"
    ),
    "version of half a digest": Case(
        "ModelDeployment", {"spec.modelRef.version": "sha256:0a"}, "modelRef.version must be Latest"
    ),
    "version by a fraction": Case("ModelDeployment", {"spec.modelRef.version": 1.5}, "must be of type integer,string"),
    "falling steps": Case(
        "ModelDeployment",
        {CANARY: [{"weight": 50}, {"weight": 10}]},
        "rollout.steps must not fall: write the weights from the smallest to the largest",
    ),
    "steps that fall after a pause": Case(
        "ModelDeployment", {CANARY: [{"weight": 50}, {"pause": {}}, {"weight": 10}]}, "rollout.steps must not fall"
    ),
    "step of nothing": Case("ModelDeployment", {CANARY: [{}]}, "a step has a weight or a pause: write `weight: 10`"),
    "step of two things": Case("ModelDeployment", {CANARY: [{"weight": 10, "pause": {}}]}, "a step has a weight or"),
    "duration beside a pause": Case(
        "ModelDeployment",
        {CANARY: [{"pause": {}, "duration": "10m"}]},
        "a step's duration is the least time at its weight: write `pause: {duration: 10m}`",
    ),
    "no version kept warm": Case("ModelDeployment", {"spec.rollout.keepReplicas": 0}, "spec.rollout.keepReplicas"),
    "header of two words": Case(
        "ModelDeployment", {"spec.rollout.sticky": {"header": "x user"}}, "spec.rollout.sticky.header"
    ),
    "header of any value": Case(
        "ModelDeployment", {"spec.rollout.matches": [{"header": "x-canary"}]}, "spec.rollout.matches[0].value: Required"
    ),
    "header's value of two lines": Case(
        "ModelDeployment",
        {"spec.rollout.matches": [{"header": "x-canary", "value": "a\nb"}]},
        "spec.rollout.matches[0].value",
    ),
    "approval in other words": Case("ModelDeployment", {"spec.rollout.approval": "Yes"}, "supported values"),
    "no steps": Case("ModelDeployment", {CANARY: []}, "spec.rollout.steps"),
    "step above a hundred percent": Case("ModelDeployment", {CANARY: [{"weight": 101}]}, "less than or equal to 100"),
    "latency that may not rise": Case(
        "ModelDeployment", {"spec.analysis.maxLatencyRatio": 1}, "spec.analysis.maxLatencyRatio"
    ),
    "check without a limit": Case(
        "ModelDeployment", {CHECKS: [{"query": "up"}]}, "a check of analysis.promql has a limit"
    ),
    "check with limits that nothing meets": Case(
        "ModelDeployment", {CHECKS: [{"query": "up", "minimum": 2, "maximum": 1}]}, "minimum must not be above maximum"
    ),
    "check without a query": Case(
        "ModelDeployment", {CHECKS: [{"maximum": 1}]}, "spec.analysis.promql[0].query: Required"
    ),
    "check with an empty query": Case("ModelDeployment", {CHECKS: [{"query": "", "maximum": 1}]}, "promql[0].query"),
    "check with a long query": Case(
        "ModelDeployment", {CHECKS: [{"query": "u" * 2001, "maximum": 1}]}, "spec.analysis.promql[0].query: Too long"
    ),
    "check of a server by its address": Case(
        "ModelDeployment", {CHECKS: [{"query": "up", "maximum": 1, "server": "http://h:9090"}]}, "promql[0].server"
    ),
    "check with an unknown placeholder": Case(
        "ModelDeployment", {CHECKS: [{"query": 'up{a="{{args.rev}}"}', "maximum": 1}]}, "a query's placeholders are"
    ),
    "checks of one name": Case(
        "ModelDeployment", {CHECKS: [{"name": "a", "query": "up", "maximum": 1}] * 2}, "needs a name of its own"
    ),
    "many checks": Case(
        "ModelDeployment", {CHECKS: [{"query": "up", "maximum": 1}] * 11}, "must have at most 10 items"
    ),
    "negative replicas": Case("ModelDeployment", {"spec.replicas": -1}, "greater than or equal to 0"),
    "deployment that no Service can be named after": Case(
        "ModelDeployment", {"metadata.name": "2013"}, "starting with a letter and not ending with a dash"
    ),
    "long deployment name": Case("ModelDeployment", {"metadata.name": "a" * 41}, "at most 40 characters"),
}

CHANGED = {
    "dataset version": Case(
        "DatasetVersion", {"spec.rows": 3}, "a DatasetVersion is immutable: change the Dataset, or make a new one"
    ),
    "training run": Case(
        "TrainingRun",
        {"spec.seed": 1},
        "a TrainingRun is immutable: make another one with a new metadata.name",
    ),
    "training run's parameter": Case("TrainingRun", {"spec.estimator.parameters.C": 0.6}, "a TrainingRun is immutable"),
    "training run with a field less": Case(
        "TrainingRun", {"spec.estimator.parameters": ABSENT}, "a TrainingRun is immutable"
    ),
    "model version": Case(
        "ModelVersion", {"spec.metrics.accuracy": 0.9}, "a ModelVersion is immutable: train or import a new one"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_plain_manifest_is_accepted(api: Api, namespace: str, kind: str) -> None:
    api.create(manifest(kind, namespace), dry_run=True)


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_valid_manifest_is_accepted(api: Api, namespace: str, case: Case) -> None:
    api.create(manifest(case.kind, namespace, case.changes), dry_run=True)


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_invalid_manifest_is_refused_in_words(api: Api, namespace: str, case: Case) -> None:
    assert case.message in _refusal(api, manifest(case.kind, namespace, case.changes))


@pytest.mark.parametrize("case", CHANGED.values(), ids=CHANGED.keys())
def test_immutable_object_is_refused_when_changed(api: Api, namespace: str, case: Case) -> None:
    created = api.create(manifest(case.kind, namespace))
    with pytest.raises(RefusedByServer) as refused:
        api.replace(changed(created, case.changes))
    assert case.message in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_immutable_or_not_labels_may_change(api: Api, namespace: str, kind: str) -> None:
    created = api.create(manifest(kind, namespace))
    assert api.replace(changed(created, {"metadata.labels": {"team": "air"}}))["metadata"]["labels"] == {"team": "air"}


@pytest.mark.parametrize("kind", KINDS)
def test_misspelt_field_is_refused_by_its_name(api: Api, namespace: str, kind: str) -> None:
    assert 'unknown field "spec.sorce"' in _refusal(api, manifest(kind, namespace, {"spec.sorce": 1}))


def test_every_rule_is_refused_in_some_test(crds: list[Manifest]) -> None:
    expected = [case.message for case in (*REFUSED.values(), *CHANGED.values())]
    expected += [message for _, message in (*searches.REFUSED.values(), *searches.BESIDE.values())]
    expected += [message for _, message in (*imports.REFUSED, *engines.REFUSED)]
    untested = [text for crd in crds for text in _messages(crd) if not any(part and part in text for part in expected)]
    assert untested == []


def _messages(node: Any) -> list[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    own = node.get("x-kubernetes-validations", []) if isinstance(node, dict) else []
    return [entry["message"] for entry in own] + [text for child in children for text in _messages(child)]


def _refusal(api: Api, refused: Manifest) -> str:
    with pytest.raises(RefusedByServer) as found:
        api.create(refused, dry_run=True)
    return str(found.value)
