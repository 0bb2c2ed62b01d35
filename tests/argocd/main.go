package main

import (
	_ "github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	_ "github.com/argoproj/argo-cd/gitops-engine/pkg/engine"
	_ "github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	_ "github.com/argoproj/argo-cd/v3/util/argo/diff"
	_ "github.com/argoproj/argo-cd/v3/util/lua"
	_ "sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {}
