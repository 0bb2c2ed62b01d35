package main

import (
	"context"
	"encoding/json"
	"errors"
	"sort"

	enginehealth "github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	applicationpkg "github.com/argoproj/argo-cd/v3/pkg/apiclient/application"
	"github.com/argoproj/argo-cd/v3/util/lua"
	jsonpatch "github.com/evanphx/json-patch"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// As its controller asks, deletion included.
func health(_ context.Context, asked question) (any, error) {
	found, err := enginehealth.GetResourceHealth(asked.Object, lua.ResourceHealthOverrides(asked.Overrides))
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("no health is known of this kind")
	}
	return found, nil
}

func kstatus(_ context.Context, asked question) (any, error) {
	found, err := status.Compute(asked.Object)
	if err != nil {
		return nil, err
	}
	return map[string]string{"status": found.Status.String(), "message": found.Message}, nil
}

func actions(_ context.Context, asked question) (any, error) {
	vm := lua.VM{ResourceOverrides: asked.Overrides}
	scripts, err := vm.GetResourceActionDiscovery(asked.Object)
	if err != nil || len(scripts) == 0 {
		return []string{}, err
	}
	found, err := vm.ExecuteResourceActionDiscovery(asked.Object, scripts)
	sort.Slice(found, func(a, b int) bool { return found[a].Name < found[b].Name })
	return found, err
}

// The merge patches that its API server sends.
func act(_ context.Context, asked question) (any, error) {
	vm := lua.VM{ResourceOverrides: asked.Overrides}
	action, err := vm.GetResourceAction(asked.Object, asked.Action)
	if err != nil {
		return nil, err
	}
	parameters := []*applicationpkg.ResourceActionParameters{}
	for name, value := range asked.Parameters {
		parameters = append(parameters, &applicationpkg.ResourceActionParameters{Name: &name, Value: &value})
	}
	live, err := json.Marshal(asked.Object)
	if err != nil {
		return nil, err
	}
	impacted, err := vm.ExecuteResourceAction(asked.Object, action.ActionLua, parameters)
	if err != nil {
		return nil, err
	}
	patches := []json.RawMessage{}
	for _, each := range impacted {
		wanted, err := json.Marshal(each.UnstructuredObj)
		if err != nil {
			return nil, err
		}
		patch, err := jsonpatch.CreateMergePatch(live, wanted)
		if err != nil {
			return nil, err
		}
		patches = append(patches, patch)
	}
	return patches, nil
}
