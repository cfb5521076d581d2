package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin binds all threads of a process, and those they start, to the first CPU.
func pin(pid int) error {
	var first unix.CPUSet
	first.Set(0)
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &first); err != nil {
			return err
		}
	}
	return nil
}
