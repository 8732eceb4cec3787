// PATH...: removes each with Go's os.
package main

import (
	"fmt"
	"os"
)

func main() {
	for _, path := range os.Args[1:] {
		if err := os.RemoveAll(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
