package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/argoproj/argo-cd/v3/common"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type difference struct {
	Name string          `json:"name"`
	Live json.RawMessage `json:"live"`
	Want json.RawMessage `json:"want"`
}

// Of each target whose live object differs for Argo CD, under the Application's sync options and ignored differences:
// what there is and what it would be.
func diffs(ctx context.Context, asked question) (any, error) {
	config, err := configOf(asked)
	if err != nil {
		return nil, err
	}
	_, parser, err := kubectl().LoadOpenAPISchema(config)
	if err != nil {
		return nil, err
	}
	spec := asked.Application.Spec
	lives := objects{}
	for _, target := range asked.Target {
		if err := track(asked.Application, target); err != nil {
			return nil, err
		}
		name, namespace := target.GetName(), target.GetNamespace()
		live, err := kubectl().GetResource(ctx, config, target.GroupVersionKind(), name, namespace)
		if err != nil {
			return nil, err
		}
		lives = append(lives, live)
	}
	builder := argodiff.NewDiffConfigBuilder().
		WithDiffSettings(spec.IgnoreDifferences, asked.Overrides, false, normalizers.IgnoreNormalizerOpts{}).
		WithTracking(common.LabelKeyAppInstance, "annotation").
		WithNoCache().WithGVKParser(parser).WithManager(common.ArgoCDSSAManager)
	options := spec.SyncPolicy.SyncOptions
	if asked.Application.Annotations["argocd.argoproj.io/compare-options"] == "ServerSideDiff=true" {
		applier, done, err := kubectl().ManageServerSideDiffDryRuns(config)
		if err != nil {
			return nil, err
		}
		defer done()
		builder.WithServerSideDiff(true).WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier))
	} else if options.HasOption("ServerSideApply=true") {
		builder.WithStructuredMergeDiff(true)
	}
	settled, err := builder.Build()
	if err != nil {
		return nil, err
	}
	found, err := argodiff.StateDiffs(lives, asked.Target, settled)
	if err != nil {
		return nil, err
	}
	different := []difference{}
	for i, each := range found.Diffs {
		if each.Modified {
			name := fmt.Sprintf("%s/%s", asked.Target[i].GetKind(), asked.Target[i].GetName())
			different = append(different, difference{name, each.NormalizedLive, each.PredictedLive})
		}
	}
	return different, nil
}

func configOf(asked question) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", asked.Kubeconfig)
	if err == nil {
		config.QPS, config.Burst = 200, 400 // by default, five a second
	}
	return config, err
}

func kubectl() *kube.KubectlCmd {
	return &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
}
