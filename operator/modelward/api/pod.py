"""What users may say of the pods that are made for them: an allow-list, with a Pod's own names.

Nothing here loosens what Pod Security asks of a pod, gives it a volume, or names a container of ours. A service account
is one of those that the installation allows (`decide.service_account`).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from .common import ApiModel, Name, rule

Key = Annotated[str, Field(min_length=1, max_length=317)]
Value = Annotated[str, Field(max_length=63)]
Values = Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=64)]
Weight = Annotated[int, Field(ge=1, le=100)]


class NodeRequirement(ApiModel):
    """What a node's label must be."""

    key: Key
    """Of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How its value is compared."""
    values: Values | None = None
    """With what; none for Exists and DoesNotExist."""


class LabelRequirement(ApiModel):
    """What a label must be."""

    key: Key
    """Of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How its value is compared."""
    values: Values | None = None
    """With what; none for Exists and DoesNotExist."""


class LabelSelector(ApiModel):
    """Objects by their labels: all that is said must hold."""

    match_labels: Annotated[dict[str, Value], Field(max_length=32)] | None = None
    """Labels and their values."""
    match_expressions: Annotated[list[LabelRequirement], Field(max_length=32)] | None = None
    """Requirements."""


class NodeSelectorTerm(ApiModel):
    """Nodes that meet all of this."""

    match_expressions: Annotated[list[NodeRequirement], Field(max_length=32)] | None = None
    """By their labels."""
    match_fields: Annotated[list[NodeRequirement], Field(max_length=32)] | None = None
    """By their fields: metadata.name."""


class NodeSelector(ApiModel):
    """Nodes that meet one of the terms."""

    node_selector_terms: Annotated[list[NodeSelectorTerm], Field(min_length=1, max_length=32)]
    """The terms."""


class PreferredNodes(ApiModel):
    """Nodes that are better than others."""

    weight: Weight
    """How much better."""
    preference: NodeSelectorTerm


class NodeAffinity(ApiModel):
    """Which nodes the pods go to."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[PreferredNodes], Field(max_length=32)] | None
    ) = None
    """Where there is a choice."""


class PodAffinityTerm(ApiModel):
    """Pods, and what it means to be beside them."""

    label_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    namespaces: Annotated[list[Name], Field(max_length=32)] | None = None
    """Of the pods. None: this one."""
    topology_key: Key
    """The node label whose value both have: kubernetes.io/hostname."""


class PreferredPods(ApiModel):
    """Neighbours that are better, or worse, than others."""

    weight: Weight
    """How much so."""
    pod_affinity_term: PodAffinityTerm


class PodAffinity(ApiModel):
    """Which pods to be beside, or not to be beside."""

    required_during_scheduling_ignored_during_execution: (
        Annotated[list[PodAffinityTerm], Field(max_length=32)] | None
    ) = None
    """Without exception."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[PreferredPods], Field(max_length=32)] | None
    ) = None
    """Where there is a choice."""


class Affinity(ApiModel):
    """As in a Pod."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class Toleration(ApiModel):
    """Of a node's taint."""

    key: Annotated[str, Field(max_length=317)] | None = None
    """Of the taint. None: all, with operator Exists."""
    operator: Literal["Exists", "Equal"] | None = None
    """None: Equal."""
    value: Value | None = None
    """Of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """None: all."""
    toleration_seconds: int | None = None
    """Of NoExecute: for how long. None: for ever."""


class SecretName(ApiModel):
    """A Secret of the same namespace."""

    name: Name
    """Its name."""


class TopologySpreadConstraint(ApiModel):
    """Which pods are counted is said by the operator: those of the same version."""

    topology_key: Key
    """The node label over whose values the pods are spread."""
    max_skew: Annotated[int, Field(ge=1)] = 1
    """By how many pods two values may differ."""
    when_unsatisfiable: Literal["ScheduleAnyway", "DoNotSchedule"] = "ScheduleAnyway"
    """Whether a pod waits where this cannot be."""


_RESERVED = "kubernetes.io/, k8s.io/ and modelward.dev/"
_SYSTEM_CLASS = rule(
    "!self.startsWith('system-')", "pod.priorityClassName: the classes system-… are the cluster's own: name another"
)
_LABEL = rule(
    "self.all(key, key in ['app.kubernetes.io/instance', 'app.kubernetes.io/part-of', 'app.kubernetes.io/version'] || "
    "!(key.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|modelward[.]dev)/') || "
    "key in ['controller-uid', 'job-name', 'pod-template-hash']))",
    f"pod.labels: keys below {_RESERVED} are set by Kubernetes and the operator "
    "(but app.kubernetes.io/instance, part-of and version), as are controller-uid, job-name and pod-template-hash: "
    "use keys of your own",
)
_ANNOTATION = rule(
    "self.all(key, key.startsWith('cluster-autoscaler.kubernetes.io/') || "
    "!key.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|modelward[.]dev)/|^io[.]'))",
    f"pod.annotations: keys below {_RESERVED} and io. may change how a pod is confined "
    "(but cluster-autoscaler.kubernetes.io/ may be used): use keys of your own",
)
_MESH = rule(
    "self.all(key, !(key in ['sidecar.istio.io/inject', 'linkerd.io/inject']))",
    "pod.annotations: a Job's pods stay out of the mesh, because a sidecar would never let them end",
)
_PROMETHEUS = rule(
    "self.all(key, !(key in ['prometheus.io/scrape', 'prometheus.io/port', 'prometheus.io/path']))",
    "pod.annotations: prometheus.io/scrape, port and path are set by the operator",
)


def _checked(*rules_: dict[str, str]) -> dict[str, Any]:
    return {"x-kubernetes-validations": [dict(each) for each in rules_]}


class PodSettings(ApiModel):
    """As in a Pod. What is left out is as the chart's values say."""

    node_selector: Annotated[dict[str, Value], Field(max_length=32)] | None = None
    """Labels that a node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] | None = None
    """Of nodes' taints."""
    affinity: Affinity | None = None
    priority_class_name: Annotated[Name, Field(json_schema_extra=_checked(_SYSTEM_CLASS))] | None = None
    """Of a PriorityClass, but the cluster's own."""
    runtime_class_name: Name | None = None
    """Of a RuntimeClass."""
    image_pull_secrets: Annotated[list[SecretName], Field(max_length=16)] | None = None
    """For the images of all the pod's containers."""
    service_account_name: Name | None = None
    """For a cloud's identities; one that the chart's values allow. Its token is not mounted."""
    labels: Annotated[dict[str, Value], Field(max_length=16, json_schema_extra=_checked(_LABEL))] | None = None
    """Besides the operator's own."""

    def over(self, default: Self) -> Self:
        """With the default's fields where these are left out; labels and annotations are those of both."""
        said = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        for name in ("labels", "annotations"):
            said[name] = {**(getattr(default, name) or {}), **said.get(name, {})}
        return default.model_copy(update=said)

    def pod_fields(self) -> dict[str, Any]:
        """Of the pod's spec."""
        return self.model_dump(
            mode="json",
            by_alias=True,
            exclude_none=True,
            exclude={"labels", "annotations", "topology_spread_constraints"},
        )


def _annotations(own: dict[str, str]) -> Any:
    return Field(max_length=16, json_schema_extra=_checked(_ANNOTATION, own))


class JobPod(PodSettings):
    """As in a Pod. What is left out is as the chart's values say."""

    annotations: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], _annotations(_MESH)] | None = None
    """Besides the operator's own."""


class ScoringPod(PodSettings):
    """As in a Pod. What is left out is as the chart's values say. A change replaces pods one by one, and tries no
    version against itself."""

    annotations: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], _annotations(_PROMETHEUS)] | None = None
    """Besides the operator's own."""
    topology_spread_constraints: Annotated[list[TopologySpreadConstraint], Field(max_length=8)] | None = None
    """None: over zones and nodes, as far as it goes. An empty list: not at all."""
