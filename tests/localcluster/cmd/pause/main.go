// Command pause holds a pod's network namespace open: the container that every sandbox starts from. Given words, it says
// them and ends: enough for a pod that shall complete.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	if words := os.Args[1:]; len(words) > 0 {
		fmt.Println(strings.Join(words, " "))
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
