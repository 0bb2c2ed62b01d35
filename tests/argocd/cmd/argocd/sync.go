package main

import (
	"context"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/engine"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	argocommon "github.com/argoproj/argo-cd/v3/common"
)

type result struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Phase   string `json:"phase"`
	Message string `json:"message"`
}

// Waves, health between them and sync options are Argo CD's; what has no target and is tracked as this Application's is
// not pruned.
func synced(parent context.Context, asked question) (any, error) {
	config, err := configOf(asked)
	if err != nil {
		return nil, err
	}
	for _, target := range asked.Target {
		if err := track(asked.Application, target); err != nil {
			return nil, err
		}
	}
	clusterCache := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()))
	running := engine.NewEngine(config, clusterCache, engine.WithLogr(logr.Discard()))
	stop, err := running.Run()
	if err != nil {
		return nil, err
	}
	defer stop()
	ctx, end := context.WithTimeout(parent, time.Duration(asked.Seconds)*time.Second)
	defer end()
	options := asked.Application.Spec.SyncPolicy.SyncOptions
	found, err := running.Sync(ctx, asked.Target, func(*cache.Resource) bool { return false }, "1", asked.Namespace,
		sync.WithLogr(logr.Discard()),
		sync.WithHealthOverride(lua.ResourceHealthOverrides(asked.Overrides)),
		sync.WithOperationSettings(false, false, false, false),
		sync.WithManifestValidation(true),
		sync.WithServerSideApply(options.HasOption("ServerSideApply=true")),
		sync.WithServerSideApplyManager(argocommon.ArgoCDSSAManager),
		sync.WithSkipDryRunOnMissingResource(options.HasOption("SkipDryRunOnMissingResource=true")),
	)
	results := []result{}
	for _, each := range found {
		name := each.ResourceKey.Kind + "/" + each.ResourceKey.Name
		results = append(results, result{name, string(each.Status), string(each.HookPhase), each.Message})
	}
	// What was under way when the time was over is told as well.
	if err == context.DeadlineExceeded {
		err = nil
	}
	return results, err
}

func track(application *v1alpha1.Application, target *unstructured.Unstructured) error {
	namespace, method := application.Spec.Destination.Namespace, v1alpha1.TrackingMethodAnnotation
	return argo.NewResourceTracking().SetAppInstance(
		target, argocommon.LabelKeyAppInstance, application.Name, namespace, method, "")
}
