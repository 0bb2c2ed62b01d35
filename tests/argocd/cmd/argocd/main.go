// Questions to Argo CD's and kstatus' own code: one JSON object a line comes in, one a line goes out.
//
// The first argument is the file that is patched into argocd-cm; Argo CD's own parser reads it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/go-logr/logr"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"
)

type objects []*unstructured.Unstructured

type question struct {
	Ask         string                               `json:"ask"`
	Object      *unstructured.Unstructured           `json:"object"`
	Action      string                               `json:"action"`
	Parameters  map[string]string                    `json:"parameters"`
	Target      objects                              `json:"target"`
	Kubeconfig  string                               `json:"kubeconfig"`
	Namespace   string                               `json:"namespace"`
	Application *v1alpha1.Application                `json:"application"`
	Seconds     int                                  `json:"seconds"`
	Overrides   map[string]v1alpha1.ResourceOverride `json:"-"`
}

type answerer func(context.Context, question) (any, error)

var answerers = map[string]answerer{
	"health":      health,
	"actions":     actions,
	"act":         act,
	"kstatus":     kstatus,
	"diff":        diffs,
	"sync":        synced,
	"application": application,
}

func main() {
	logrus.SetOutput(io.Discard)
	klog.SetLogger(logr.Discard())
	overrides, err := overridesOf(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		said, err := reply(line, overrides)
		if err != nil {
			said = map[string]string{"error": err.Error()}
		}
		if err := out.Encode(said); err != nil {
			return
		}
	}
}

func reply(line []byte, overrides map[string]v1alpha1.ResourceOverride) (any, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	asked.Overrides = overrides
	answer, known := answerers[asked.Ask]
	if !known {
		return nil, fmt.Errorf("no such question: %s", asked.Ask)
	}
	return answer(context.Background(), asked)
}

// What Argo CD makes of its ConfigMap.
func overridesOf(file string) (map[string]v1alpha1.ResourceOverride, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	about := func(name string) metav1.ObjectMeta {
		labels := map[string]string{"app.kubernetes.io/part-of": "argocd"}
		return metav1.ObjectMeta{Name: name, Namespace: "argocd", Labels: labels}
	}
	settled := &corev1.ConfigMap{}
	if err := yaml.Unmarshal(text, settled); err != nil {
		return nil, err
	}
	settled.ObjectMeta = about("argocd-cm")
	cluster := fake.NewSimpleClientset(settled, &corev1.Secret{ObjectMeta: about("argocd-secret")})
	return settings.NewSettingsManager(context.Background(), cluster, "argocd").GetResourceOverrides()
}
