// Does a row with Go's usual recipe: go_peer ROW TIMES TARGET prints the seconds that TIMES goes took.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

var page = bytes.Repeat([]byte("x"), 4096)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func replace(target string, durable bool) {
	file, err := os.CreateTemp(filepath.Dir(target), "")
	must(err)
	_, err = file.Write(page)
	must(err)
	if durable {
		must(file.Sync())
	}
	must(file.Close())
	must(os.Rename(file.Name(), target))
	if durable {
		directory, err := os.Open(filepath.Dir(target))
		must(err)
		must(directory.Sync())
		must(directory.Close())
	}
}

func main() {
	times, err := strconv.Atoi(os.Args[2])
	must(err)
	durable := os.Args[1] == "replace_durable"
	replace(os.Args[3], durable)
	start := time.Now()
	for i := 0; i < times; i++ {
		replace(os.Args[3], durable)
	}
	fmt.Println(time.Since(start).Seconds())
}
