// Package findings explains what a report means, and what to do about it.
package findings

import (
	"context"
	"errors"
	"io"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// rule finds one problem.
type rule struct {
	id    string
	grade report.Grade
	// find returns a sentence that describes the problem, or "" if the report does not have it.
	find func(r *report.Report) string
	do   string // advice; may be empty
}

// interrupted is the only rule if the user has interrupted the probe early: the server has done nothing wrong.
var interrupted = []rule{
	{"interrupted", report.Error, func(r *report.Report) string {
		return "The probe was interrupted before the server had accepted anything: " + r.Error
	}, ""},
}

// Judge returns the findings, the worst first.
func Judge(r *report.Report) []report.Finding {
	tables := [][]rule{network, protocol, media}
	if errors.Is(r.Err, context.Canceled) {
		tables = [][]rule{interrupted}
	}
	found := []report.Finding{}
	for _, grade := range []report.Grade{report.Error, report.Warning, report.Note} {
		for _, table := range tables {
			for _, rule := range table {
				if rule.grade != grade {
					continue
				}
				if text := rule.find(r); text != "" {
					found = append(found, report.Finding{ID: rule.id, Grade: grade, Text: text, Do: rule.do})
				}
			}
		}
	}
	if r.Err != nil && !errors.Is(r.Err, io.EOF) && Worst(found) != report.Error { // a failed session must not be reported as good
		found = append([]report.Finding{{ID: "failed", Grade: report.Error, Text: "The session failed: " + r.Error}}, found...)
	}
	if Worst(found) == report.OK || Worst(found) == report.Note {
		found = append(found, report.Finding{ID: "well", Grade: report.OK, Text: "No problem was found."})
	}
	return found
}

// Worst is the worst grade of some findings.
func Worst(found []report.Finding) report.Grade {
	worst := report.OK
	for _, f := range found {
		if rank[f.Grade] > rank[worst] {
			worst = f.Grade
		}
	}
	return worst
}

var rank = map[report.Grade]int{report.OK: 0, report.Note: 1, report.Warning: 2, report.Error: 3}
