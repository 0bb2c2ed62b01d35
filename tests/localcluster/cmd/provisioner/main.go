// Command provisioner gives every claim a folder on this one node. It works inside the node's namespaces, so it needs no
// helper pods and no images. A StorageClass with the parameter `medium: memory` gives a tmpfs that is full at its size.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	name = "modelward.dev/local"
	root = "/var/lib/modelward-volumes"
)

type folders struct{}

// Provision makes the folder: writable for all, because pods choose their own user.
func (folders) Provision(_ context.Context, options controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	path := filepath.Join(root, options.PVName)
	size := claim.Spec.Resources.Requests[core.ResourceStorage]
	if err := makeFolder(path, options.StorageClass.Parameters["medium"] == "memory", size.Value()); err != nil {
		return nil, controller.ProvisioningNoChange, err
	}
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: size},
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			PersistentVolumeSource:        core.PersistentVolumeSource{HostPath: &core.HostPathVolumeSource{Path: path}},
		},
	}
	return volume, controller.ProvisioningFinished, nil
}

// Delete removes the folder with all that is in it.
func (folders) Delete(_ context.Context, volume *core.PersistentVolume) error {
	path := filepath.Join(root, volume.Name)
	if err := syscall.Unmount(path, 0); err != nil && err != syscall.EINVAL && err != syscall.ENOENT {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return os.RemoveAll(path)
}

func makeFolder(path string, memory bool, size int64) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	if memory {
		return syscall.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("mode=0777,size=%d", size))
	}
	return os.Chmod(path, 0o777)
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		klog.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	ctx := context.Background()
	controller.NewProvisionController(ctx, client, name, folders{}, controller.LeaderElection(false)).Run(ctx)
}
