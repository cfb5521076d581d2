package vod

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// jobVariable is an environment variable that makes a child process of this test binary do a job in the directory named by dirVariable.
const (
	jobVariable = "VOD_TEST_JOB"
	dirVariable = "VOD_TEST_DIR"
)

// child returns a Cmd that runs this test binary to do a job in a directory.
func child(t *testing.T, job, dir string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), jobVariable+"="+job, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// runJob is the child's main function.
func runJob(job string) {
	f, err := OpenFolder(os.Getenv(dirVariable))
	if err == nil {
		err = map[string]func(*Folder) error{"record": recordForEver, "fill": recordBeyondLimit, "nothing": recordNothing,
			"replace": replaceBeyondLimit}[job](f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// recordedFiles is the number of files that recordForEver writes.
const recordedFiles = 20

// recordForEver records files until it is killed. It prints a line when every file has some content.
func recordForEver(f *Folder) error {
	var all []*Recorder
	for i := range recordedFiles {
		r, err := f.Record(fmt.Sprint(i, ".flv"), RecordOptions{})
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	for n := uint32(0); ; n++ {
		for i, r := range all {
			if err := r.WriteTag(big(n*40, 1000+int(n)*(i+1)%7000)); err != nil {
				return err
			}
		}
		if n == 100 {
			fmt.Println("begun")
		}
	}
}

// recordBeyondLimit records until the process can't write more.
func recordBeyondLimit(f *Folder) error {
	if err := setFileLimit(); err != nil {
		return err
	}
	told := false
	r, err := f.Record("a.flv", RecordOptions{Done: func(name string, err error) { told = name == "a.flv" && errors.Is(err, ErrNoSpace) }})
	if errors.Is(err, ErrNoSpace) { // there is not even room for the header
		return nil
	}
	if err != nil {
		return err
	}
	for n := uint32(0); n < 10_000 && err == nil; n++ {
		err = r.WriteTag(big(n*40, 1000+int(n)%7000))
	}
	if !errors.Is(err, ErrNoSpace) || !told || !errors.Is(r.Close(), ErrNoSpace) || !errors.Is(r.WriteTag(key(0)), ErrNoSpace) {
		return fmt.Errorf("no typed error: %v, told %v", err, told)
	}
	return nil
}

// replaceBeyondLimit replaces a file although the process can't write even a file header.
func replaceBeyondLimit(f *Folder) error {
	if err := setFileLimit(); err != nil {
		return err
	}
	r, err := f.Record("a.flv", RecordOptions{MinFree: -1})
	if err != nil {
		return err
	}
	if err := r.WriteTag(key(0)); !errors.Is(err, ErrNoSpace) {
		return fmt.Errorf("no typed error: %w", err)
	}
	if err := r.Close(); !errors.Is(err, ErrNoSpace) {
		return fmt.Errorf("no typed error: %w", err)
	}
	return nil
}

// TestKilled checks that the files of a killed process can be played and appended to.
func TestKilled(t *testing.T) {
	f, dir := newFolder(t, nil)
	cmd := child(t, "record", dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = out.Read(make([]byte, 1))
	require.NoError(t, err)
	_, busy := f.Record("0.flv", RecordOptions{Append: true})
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	if locksOtherProcesses {
		require.ErrorIs(t, busy, ErrBusy)
	}
	for i := range recordedFiles {
		name := fmt.Sprint(i, ".flv")
		before, _ := drain(t, play(t, f, name, all)) // the file may end within a tag
		require.Greater(t, len(before), 50)
		content := record(t, f, dir, name, RecordOptions{Append: true}, key(77))
		after := tagsOf(t, content)
		requireTotals(t, content, after)
		require.InDelta(t, len(before)+1, len(after), 1) // if the last tag had no PreviousTagSize, that tag is lost
		requireSame(t, before[1:len(after)-1], after[1:len(after)-1])
		require.Equal(t, key(after[len(after)-2].Timestamp+1), after[len(after)-1])
	}
}

// recordNothing begins recordings of a file without media until it is killed.
func recordNothing(f *Folder) error {
	for {
		r, err := f.Record("a.flv", RecordOptions{})
		switch {
		case err == nil:
			if err := r.Close(); err != nil {
				return err
			}
		case !errors.Is(err, ErrBusy):
			return err
		}
	}
}

// TestNothingRecordedByAnotherProcess checks that a recording keeps its name although another process removes files without media.
func TestNothingRecordedByAnotherProcess(t *testing.T) {
	if !locksOtherProcesses {
		t.Skip("processes do not see each other's recordings on this system")
	}
	f, dir := newFolder(t, nil)
	cmd := child(t, "nothing", dir)
	require.NoError(t, cmd.Start())
	defer func() {
		cmd.Process.Kill()
		require.ErrorContains(t, cmd.Wait(), "killed")
	}()
	for recorded := 0; recorded < 500; {
		r, err := f.Record("a.flv", RecordOptions{})
		if errors.Is(err, ErrBusy) {
			continue
		}
		require.NoError(t, err)
		require.NoError(t, r.WriteTag(key(0)))
		requireNamed(t, r)
		require.NoError(t, r.Close())
		require.NoError(t, os.Remove(filepath.Join(dir, "a.flv")))
		recorded++
	}
}
