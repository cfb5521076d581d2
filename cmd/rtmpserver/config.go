package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// onlyOnCommandLine are options that are not allowed in the file.
var onlyOnCommandLine = []string{"config", "help", "version"}

// readConfig reads the configuration file. The file contains options by their long names, and a table app.NAME for each application with
// settings of its own. The command line overrides the file's global options, and an application's table overrides both.
func (s *settings) readConfig(set *pflag.FlagSet) error {
	var file map[string]any
	if _, err := toml.DecodeFile(s.config, &file); err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			return path.Err // the caller names the file
		}
		return withoutQuotation(err)
	}
	apps, isTable := file["app"].(map[string]any)
	if file["app"] != nil && !isTable {
		return errors.New("app: not a table")
	}
	delete(file, "app")
	for _, name := range onlyOnCommandLine {
		if _, given := file[name]; given {
			return fmt.Errorf("%s: only allowed on the command line", name)
		}
	}
	if err := apply(file, set); err != nil {
		return err
	}
	s.apps = make(map[string]*appSettings)
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		table, ok := apps[name].(map[string]any)
		if !ok {
			return fmt.Errorf("app.%s: not a table", name)
		}
		if name == "" || strings.Contains(name, "/") {
			return fmt.Errorf("app.%s: not an application: the name must have no instance", name)
		}
		app := s.app.clone()
		if err := apply(table, flagSet(app.groups())); err != nil {
			return fmt.Errorf("app.%s: %w", name, err)
		}
		s.apps[name] = app
	}
	return nil
}

// quotation matches the part of a toml error that quotes a value from the file, since the value may be a secret.
var quotation = regexp.MustCompile(` but found ".*"`)

func withoutQuotation(err error) error {
	if bad := (toml.ParseError{}); errors.As(err, &bad) {
		bad.Message = quotation.ReplaceAllString(bad.Message, " but found something else")
		return bad
	}
	return err
}

// apply sets the options in table, except those that the command line has set.
func apply(table map[string]any, set *pflag.FlagSet) error {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		flag := set.Lookup(name)
		if flag == nil {
			return fmt.Errorf("%s: unknown option here", name)
		}
		if flag.Changed {
			continue
		}
		values, err := texts(table[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		list, repeats := flag.Value.(pflag.SliceValue)
		switch {
		case repeats:
			err = list.Replace(values)
		case len(values) == 1:
			err = flag.Value.Set(values[0])
		default:
			return fmt.Errorf("%s: only one value is allowed", name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, badValue(flag, err))
		}
	}
	return nil
}

// texts returns a value of the file, or the values of an array, in the form that they have on the command line.
func texts(value any) (all []string, _ error) {
	values, isArray := value.([]any)
	if !isArray {
		values = []any{value}
	}
	for _, one := range values {
		switch one.(type) {
		case string, bool, int64, float64:
			all = append(all, fmt.Sprint(one))
		default:
			return nil, errors.New("not a string, number or boolean, or an array of these")
		}
	}
	return all, nil
}
