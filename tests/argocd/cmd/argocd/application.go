package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/hook"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/syncwaves"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
)

// What Argo CD reads of a manifest: an Application or an AppProject strictly by its types, of anything its wave.
func application(_ context.Context, asked question) (any, error) {
	object := asked.Object
	if err := strictly(object); err != nil {
		return nil, err
	}
	return map[string]any{"wave": syncwaves.Wave(object), "hook": hook.IsHook(object)}, nil
}

func strictly(object json.Marshaler) error {
	text, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	var kind struct{ Kind string }
	if err := json.Unmarshal(text, &kind); err != nil {
		return err
	}
	var typed any
	switch kind.Kind {
	case "Application":
		typed = &v1alpha1.Application{}
	case "AppProject":
		typed = &v1alpha1.AppProject{}
	default:
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(typed); err != nil {
		return err
	}
	if app, is := typed.(*v1alpha1.Application); is && app.Spec.Destination.Namespace == "" {
		return errors.New("spec.destination.namespace is missing")
	}
	return nil
}
