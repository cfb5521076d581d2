package swf

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The URLs in testdata/rtmpdump.swfinfo, which rtmpdump 2.4 wrote.
const (
	goldenURL       = "http://127.0.0.1:18765/a/fws.swf"
	goldenPackedURL = "http://127.0.0.1:18765/a/cws.swf"
	goldenNoDateURL = "http://127.0.0.1:18765/a/nolm.swf"
)

var (
	goldenChecked  = time.Date(2026, 11, 21, 7, 10, 41, 0, time.UTC)
	goldenModified = time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)
)

func goldenRecord(t testing.TB, url string) record {
	return record{url: url, checked: goldenChecked, modified: goldenModified, size: playerSize, hash: [32]byte(unhex(playerHash))}
}

func TestReadsWhatRTMPDumpWrote(t *testing.T) {
	file := testdata(t, "rtmpdump.swfinfo")
	assert.Equal(t, goldenRecord(t, goldenURL), findRecord(file, goldenURL))
	assert.Equal(t, goldenRecord(t, goldenPackedURL), findRecord(file, goldenPackedURL))
	undated := goldenRecord(t, goldenNoDateURL)
	undated.modified = time.Time{}
	assert.Equal(t, undated, findRecord(file, goldenNoDateURL))
	for _, other := range []string{
		"http://127.0.0.1:18765/b/fws.swf", // librtmp also uses the first record for this URL
		"http://127.0.0.1:18765/a/fws.sw", "http://127.0.0.1:18765/a/fws.swf2", "https://127.0.0.1:18765/a/fws.swf", "",
	} {
		assert.Zero(t, findRecord(file, other), other)
	}
}

func TestWritesWhatRTMPDumpWrote(t *testing.T) {
	file := testdata(t, "rtmpdump.swfinfo")
	first := file[:bytes.Index(file, []byte("url: "+goldenPackedURL))]
	r := goldenRecord(t, goldenURL)
	assert.Equal(t, string(first), string(r.appendTo(nil)))
	assert.Equal(t, string(file), string(replaceRecord(file, r)), "replacing a record by itself changes nothing")
}

// TestRecordHasFixedWidth checks that our lines are as long as librtmp's longest, since librtmp overwrites lines in place.
func TestRecordHasFixedWidth(t *testing.T) {
	full, undated := goldenRecord(t, goldenURL), record{url: goldenURL, size: 8}
	assert.Len(t, undated.appendTo(nil), len(full.appendTo(nil)))
	assert.Contains(t, string(undated.appendTo(nil)), "\ndate: Thu, 01 Jan 1970 00:00:00 GMT\n", "every server understands the year 1970")
	again, ok := parseRecord(undated.appendTo(nil))
	require.True(t, ok)
	assert.True(t, again.modified.IsZero(), "the date never is read as the zero time")
}

func TestParseRecord(t *testing.T) {
	good := strings.Split(string(goldenRecordText(t)), "\n")[:5]
	with := func(line int, text string) []byte {
		lines := append([]string(nil), good...)
		lines[line] = text
		return []byte(strings.Join(lines, "\n") + "\n")
	}
	want := goldenRecord(t, goldenURL)
	undated, unchecked, small := want, want, want
	undated.modified, unchecked.checked, small.size = time.Time{}, time.Time{}, 8

	for name, test := range map[string]struct {
		block []byte
		want  record // zero if the record is refused
	}{
		"as written":             {goldenRecordText(t), want},
		"no newline at the end":  {bytes.TrimSuffix(goldenRecordText(t), []byte("\n")), want},
		"text after the record":  {append(goldenRecordText(t), "# a remark\n"...), want},
		"Windows":                {bytes.ReplaceAll(goldenRecordText(t), []byte("\n"), []byte("\r\n")), want},
		"capitals":               {with(4, "hash: "+strings.ToUpper(playerHash)), want},
		"RFC 850":                {with(1, "ctim: Saturday, 21-Nov-26 07:10:41 GMT"), want},
		"ctime":                  {with(2, "date: Fri Nov 20 22:00:00 2026"), want},
		"no date":                {with(2, "date: "), undated},
		"no date, no space":      {with(2, "date:"), undated},
		"date damaged":           {with(2, "date: yesterday"), undated},
		"ctim damaged":           {with(1, "ctim: soon"), unchecked},
		"smallest size":          {with(3, "size: 00000008"), small},
		"size too small":         {with(3, "size: 00000007"), record{}},
		"size too large":         {with(3, "size: 100000000"), record{}},
		"size not hexadecimal":   {with(3, "size: 0x3f0"), record{}},
		"size negative":          {with(3, "size: -3f0"), record{}},
		"size overwritten":       {with(3, "22:00:00 GMT"), record{}}, // what librtmp writes after an empty date
		"hash short":             {with(4, "hash: "+playerHash[:63]), record{}},
		"hash a byte short":      {with(4, "hash: "+playerHash[:62]), record{}},
		"hash long":              {with(4, "hash: "+playerHash+"00"), record{}},
		"hash not hexadecimal":   {with(4, "hash: x"+playerHash[1:]), record{}},
		"a line missing":         {with(1, good[2]), record{}},
		"order":                  {[]byte(strings.Join([]string{good[0], good[2], good[1], good[3], good[4]}, "\n")), record{}},
		"cut off":                {[]byte(strings.Join(good[:4], "\n")), record{}},
		"no URL":                 {with(0, "url: "), record{}},
		"nothing":                {nil, record{}},
		"zeros":                  {make([]byte, 5000), record{}},
		"another record's lines": {[]byte(good[0] + "\n" + string(goldenRecordText(t))), record{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parseRecord(test.block)
			assert.Equal(t, test.want != record{}, ok)
			assert.Equal(t, test.want, got)
		})
	}
}

func goldenRecordText(t testing.TB) []byte {
	r := goldenRecord(t, goldenURL)
	return r.appendTo(nil)
}

func TestReplaceRecord(t *testing.T) {
	const url = "http://h/p.swf"
	old := record{url: url, checked: goldenChecked, size: 9}
	r := record{url: url, checked: goldenChecked, modified: goldenModified, size: 10}
	oldText, text := string(old.appendTo(nil)), string(r.appendTo(nil))
	damaged := "url: " + url + "\nctim: Fri\n"
	a, b := string(goldenRecordText(t)), "url: http://other/x.swf\nhalf a reco"

	for name, test := range map[string]struct{ file, want string }{
		"empty":                        {"", text},
		"in the middle":                {a + oldText + b, a + text + b},
		"not there":                    {a, a + text},
		"no newline at the end":        {a + b, a + b + "\n" + text},
		"damaged":                      {a + damaged + b, a + text + b},
		"more than once":               {damaged + a + oldText + b + "\n" + oldText, text + a + b + "\n"},
		"other text before the record": {"# mine\n\n" + oldText, "# mine\n\n" + text},
		"only other text":              {"# mine", "# mine\n" + text},
		"Windows":                      {strings.ReplaceAll(oldText, "\n", "\r\n"), text},
		"a URL that begins with ours":  {"url: " + url + "x\n", "url: " + url + "x\n" + text},
	} {
		t.Run(name, func(t *testing.T) {
			got := replaceRecord([]byte(test.file), r)
			assert.Equal(t, test.want, string(got))
			assert.Equal(t, r, findRecord(got, url))
		})
	}
}

func TestDamagedRecordHidesNoSoundOne(t *testing.T) {
	file := append([]byte("url: "+goldenURL+"\nctim: x\n"), goldenRecordText(t)...)
	assert.Equal(t, goldenRecord(t, goldenURL), findRecord(file, goldenURL))
}

func TestFresh(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		r    record
		age  time.Duration
		want bool
	}{
		"just now":        {record{url: "u", checked: goldenChecked}, time.Second, true},
		"a day, of 30":    {record{url: "u", checked: goldenChecked.Add(-day)}, 30 * day, true},
		"almost 30 days":  {record{url: "u", checked: goldenChecked.Add(-30*day + time.Second)}, 30 * day, true},
		"30 days":         {record{url: "u", checked: goldenChecked.Add(-30 * day)}, 30 * day, false},
		"always ask":      {record{url: "u", checked: goldenChecked}, -1, false},
		"from the future": {record{url: "u", checked: goldenChecked.Add(time.Second)}, 30 * day, false},
		"unknown when":    {record{url: "u"}, 1 << 62, false},
		"no record":       {record{}, 30 * day, false},
	} {
		assert.Equal(t, test.want, test.r.fresh(goldenChecked, test.age), name)
	}
}
