// Package export_assay_plugin_remote_job runs a job of Prow: gangway starts it, deck says how it stands, and a bucket has what
// it left. The key is an annotation of the job, by which gangway's list finds it again.
package export_assay_plugin_remote_job

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	"wit_component/assay_http"
	checkpoint "wit_component/assay_plugin_checkpoint"
	http "wit_component/assay_plugin_http"
	job "wit_component/assay_plugin_remote_job"
	tests "wit_component/assay_plugin_tests"
	"wit_component/assay_plugin_types"
)

type (
	context = assay_plugin_types.Context
	failure = assay_plugin_types.Error
	outcome = assay_plugin_types.Outcome
)

// The annotation with the key.
const keyAnnotation = "assay.dev/key"

// Attempts to collect a log before it is given up.
const logAttempts = 3

type work struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	State   string `json:"state"`
	Build   string `json:"build"`
	URL     string `json:"url"`
	Since   uint64 `json:"since"`
	Cancels int    `json:"cancels"`
}

// What gangway answers, of grpc-gateway: fields that are not set are missing.
type execution struct {
	ID             string `json:"id"`
	JobName        string `json:"job_name"`
	JobStatus      string `json:"job_status"`
	PodSpecOptions struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"pod_spec_options"`
}

func lost(format string, values ...any) error {
	return assay_http.Failed{Cause: assay_plugin_types.MakeErrorLost(fmt.Sprintf(format, values...))}
}

func invalid(format string, values ...any) error {
	return assay_http.Failed{Cause: assay.Invalid(fmt.Sprintf(format, values...))}
}

func pack(known work) []uint8 {
	bytes, _ := json.Marshal(known)
	return bytes
}

func unpack(bytes []uint8) (work, error) {
	var known work
	if err := json.Unmarshal(bytes, &known); err != nil || known.Version != 1 {
		return known, invalid("the state was written by another version of this plugin")
	}
	return known, nil
}

func place(ctx context, name string) string {
	return strings.TrimRight(assay.Text(ctx, name), "/")
}

func note(known work) error {
	for name, value := range map[string][]uint8{"work": pack(known), "job": []uint8(known.ID)} {
		if set := checkpoint.Set(name, value); set.IsErr() {
			return assay_http.Failed{Cause: assay_plugin_types.MakeErrorInternal("the job " + known.ID + " cannot be noted")}
		}
	}
	return nil
}

func noted() (work, bool) {
	found := checkpoint.Get("work")
	if found.IsNone() {
		return work{}, false
	}
	known, err := unpack(found.Some())
	return known, err == nil
}

func fresh(ctx context, made execution) (work, error) {
	known := work{Version: 1, ID: made.ID, State: strings.ToLower(made.JobStatus), Since: ctx.Now}
	plain := strings.Trim(made.ID, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
	if made.ID == "" || len(made.ID) > 200 || !plain {
		return known, lost("gangway named the job %q, which is no ID", assay_http.Shown([]uint8(made.ID)))
	}
	return known, nil
}

func pairs(ctx context, name string) (map[string]string, error) {
	found := map[string]string{}
	for _, item := range assay.List(ctx, name) {
		key, value, ok := strings.Cut(item, "=")
		if !ok || key == "" {
			return nil, invalid("%q in the parameter `%s` is not NAME=VALUE", assay_http.Shown([]uint8(item)), name)
		}
		found[key] = value
	}
	return found, nil
}

func start(ctx context) (work, error) {
	options := map[string]map[string]string{}
	for _, name := range []string{"envs", "labels", "annotations"} {
		found, err := pairs(ctx, name)
		if err != nil {
			return work{}, err
		}
		options[name] = found
	}
	options["annotations"][keyAnnotation] = ctx.Key
	kinds := map[string]string{"periodic": "PERIODIC", "postsubmit": "POSTSUBMIT", "presubmit": "PRESUBMIT"}
	kind := assay.Text(ctx, "type")
	body := map[string]any{
		"job_name":           assay.Text(ctx, "job"),
		"job_execution_type": kinds[kind],
		"pod_spec_options":   options,
	}
	if refs := assay.Text(ctx, "refs"); refs != "" {
		if !json.Valid([]uint8(refs)) {
			return work{}, invalid("the parameter `refs` is not JSON")
		}
		body["refs"] = json.RawMessage(refs)
	} else if kind != "periodic" {
		return work{}, invalid("a job of the type %s needs the parameter `refs`", kind)
	}
	var made execution
	request := assay_http.Request("POST", place(ctx, "gangway")+"/v1/executions", body, "gangway")
	if err := assay_http.JSON(request, &made, false); err != nil {
		return work{}, err
	}
	return fresh(ctx, made)
}

// The job with the key, if gangway's list has one.
func find(ctx context) (work, bool, error) {
	var list struct {
		JobExecution  []execution `json:"job_execution"`
		JobExecutions []execution `json:"job_executions"`
	}
	address := place(ctx, "gangway") + "/v1/executions?job_name=" + url.QueryEscape(assay.Text(ctx, "job"))
	if err := assay_http.JSON(assay_http.Request("GET", address, nil, "gangway"), &list, false); err != nil {
		return work{}, false, err
	}
	for _, one := range append(list.JobExecution, list.JobExecutions...) {
		if one.PodSpecOptions.Annotations[keyAnnotation] == ctx.Key {
			known, err := fresh(ctx, one)
			return known, err == nil, err
		}
	}
	return work{}, false, nil
}

// The fields of a ProwJob that matter. Deck writes them as YAML with two blanks for each level; values are on one line.
func fields(document string) map[string]string {
	found := map[string]string{}
	section := ""
	for _, line := range strings.Split(document, "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		switch len(line) - len(strings.TrimLeft(line, " ")) {
		case 0:
			section = name
		case 2:
			found[section+"."+name] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return found
}

// Asks how the job stands; true if it has ended.
func look(ctx context, known *work) (bool, error) {
	request := assay_http.Request("GET", place(ctx, "deck")+"/prowjob?prowjob="+url.QueryEscape(known.ID), nil, "")
	response, err := assay_http.OK(request, true)
	if err != nil {
		return false, err
	}
	read := fields(string(response.Body))
	state := read["status.state"]
	if read["metadata.name"] != known.ID || state == "" {
		return false, lost("%s answered with something else than this job: %s", assay_http.Name(request), assay_http.Shown(response.Body))
	}
	known.State = state
	if build := read["status.build_id"]; strings.Trim(build, "0123456789") == "" {
		known.Build = build
	}
	if page := read["status.url"]; strings.HasPrefix(page, "http") {
		known.URL = page
	}
	switch state {
	case "success", "failure", "aborted", "error":
		return true, nil
	}
	// A state that nobody has heard of is waited for, for a day.
	return ctx.Now > known.Since+24*3_600_000, nil
}

func waiting(ctx context, known work, afterMs uint32) job.Waiting {
	page := known.URL
	if page == "" {
		page = place(ctx, "deck") + "/prowjob?prowjob=" + url.QueryEscape(known.ID)
	}
	return job.Waiting{State: pack(known), AfterMs: afterMs, Native: known.State, Url: witTypes.Some(page)}
}

func status(ctx context, known work, err error) witTypes.Result[job.Status, failure] {
	seconds := assay.Integer(ctx, "poll-seconds")
	if err == nil && (seconds < 1 || seconds > 86_400) {
		err = invalid("the parameter `poll-seconds` is %d; the least is 1", seconds)
	}
	if err != nil {
		return witTypes.Err[job.Status](assay_http.Of(err))
	}
	// Up to a fifth more, so that jobs do not come together.
	after := uint32(seconds)*1000 + ctx.Seed%(uint32(seconds)*200)
	return witTypes.Ok[job.Status, failure](job.MakeStatusWaiting(waiting(ctx, known, after)))
}

// Submit starts the job, or finds the one that was started before.
func Submit(ctx context) witTypes.Result[job.Status, failure] {
	known, found := noted()
	if found {
		return status(ctx, known, nil)
	}
	var err error
	if ctx.Attempt > 1 {
		known, found, err = find(ctx)
	}
	if err == nil && !found {
		known, err = start(ctx)
	}
	if err == nil {
		err = note(known)
	}
	return status(ctx, known, err)
}

// Poll reads the state.
func Poll(ctx context, bytes []uint8) witTypes.Result[job.Status, failure] {
	known, err := unpack(bytes)
	ended := false
	if err == nil {
		ended, err = look(ctx, &known)
	}
	if err == nil && ended {
		return witTypes.Ok[job.Status, failure](job.MakeStatusEnded(pack(known)))
	}
	return status(ctx, known, err)
}

// The folder of what the job left, as Prow names it.
func folder(ctx context, known work) string {
	root, name := place(ctx, "artifacts-url"), url.PathEscape(assay.Text(ctx, "job"))
	if root == "" || known.Build == "" {
		return ""
	}
	if assay.Text(ctx, "type") != "presubmit" {
		return root + "/logs/" + name + "/" + known.Build
	}
	var refs struct {
		Org   string `json:"org"`
		Repo  string `json:"repo"`
		Pulls []struct {
			Number uint64 `json:"number"`
		} `json:"pulls"`
	}
	if json.Unmarshal([]uint8(assay.Text(ctx, "refs")), &refs) != nil || len(refs.Pulls) == 0 {
		return ""
	}
	return fmt.Sprintf("%s/pr-logs/pull/%s_%s/%d/%s/%s", root, url.PathEscape(refs.Org), url.PathEscape(refs.Repo), refs.Pulls[0].Number, name, known.Build)
}

// Downloads a file. What is missing is a warning; what may come later is an error for some attempts.
func download(ctx context, address, name, kind string, warnings *[]string) (bool, error) {
	err := assay_http.Download(assay_http.Request("GET", address, nil, ""), name, kind)
	if err == nil {
		return true, nil
	}
	// A bucket answers 403 for what is not there, to people who may not list it.
	isRefused := assay_http.Of(err).Tag() == assay_plugin_types.Error_Auth && strings.Contains(assay_http.Message(err), "answered 401")
	isLater := assay_http.Of(err).Tag() == assay_plugin_types.Error_Transient && ctx.Attempt <= logAttempts
	if isRefused || isLater {
		return false, err
	}
	*warnings = append(*warnings, fmt.Sprintf("`%s` was not collected: %s", name, assay_http.Message(err)))
	return false, nil
}

// Collect fetches log and reports, and gives the verdict.
func Collect(ctx context, bytes []uint8) witTypes.Result[job.Collected, failure] {
	known, err := unpack(bytes)
	var warnings []string
	var counts tests.Counts
	if err == nil {
		counts, err = reports(ctx, known, &warnings)
	}
	if err != nil {
		return witTypes.Err[job.Collected](assay_http.Of(err))
	}
	result := map[string]outcome{"success": assay_plugin_types.Outcome_Success, "failure": assay_plugin_types.Outcome_Failure}
	ended, known_ := result[known.State]
	if !known_ {
		ended = assay_plugin_types.Outcome_Error
	}
	message := fmt.Sprintf("the job %s ended as `%s`", known.ID, known.State)
	if ended == assay_plugin_types.Outcome_Success && counts.Failures > 0 {
		ended = assay_plugin_types.Outcome_Failure
		message = fmt.Sprintf("Prow says `success`, and its reports have %d failures", counts.Failures)
	}
	verdict := assay.Verdict(counts.Successes, nil, strings.Join(append([]string{"Prow: " + known.State}, warnings...), "; "))
	verdict.Outcome, verdict.Failures, verdict.Warnings = ended, counts.Failures, counts.Warnings
	if ended == assay_plugin_types.Outcome_Success {
		verdict.Successes = max(counts.Successes, 1)
	} else {
		finding := assay.Failure("prow.passed", message, known.ID)
		finding.Outcome = ended
		verdict.Findings = append(verdict.Findings, finding)
		if ended == assay_plugin_types.Outcome_Failure {
			verdict.Failures = max(counts.Failures, 1)
		}
	}
	verdict.Results = []witTypes.Tuple2[string, string]{{F0: "PROWJOB_ID", F1: known.ID}}
	if known.URL != "" {
		verdict.Links = []witTypes.Tuple2[string, string]{{F0: "job", F1: known.URL}}
	}
	return witTypes.Ok[job.Collected, failure](job.MakeCollectedDone(verdict))
}

func reports(ctx context, known work, warnings *[]string) (tests.Counts, error) {
	var counts tests.Counts
	root := folder(ctx, known)
	if root == "" {
		*warnings = append(*warnings, "nothing was collected: the folder of artifacts is not known")
		return counts, nil
	}
	if _, err := download(ctx, root+"/build-log.txt", "build-log.txt", "text/plain", warnings); err != nil {
		return counts, err
	}
	for at, path := range assay.List(ctx, "junit") {
		if strings.Contains(path, "..") || at >= 20 {
			*warnings = append(*warnings, fmt.Sprintf("the report `%s` was not collected", assay_http.Shown([]uint8(path))))
			continue
		}
		name := fmt.Sprintf("junit-%d.xml", at)
		there, err := download(ctx, root+"/"+strings.TrimLeft(path, "/"), name, "application/xml", warnings)
		if err != nil {
			return counts, err
		}
		if !there {
			continue
		}
		read := tests.Ingest(name, "junit")
		if read.IsErr() {
			*warnings = append(*warnings, fmt.Sprintf("`%s` is not a report that can be read", path))
			continue
		}
		counts.Successes += read.Ok().Successes
		counts.Failures += read.Ok().Failures
		counts.Warnings += read.Ok().Warnings
	}
	return counts, nil
}

// Cancel aborts the job, if there is one.
func Cancel(ctx context, bytes witTypes.Option[[]uint8], _ string) witTypes.Result[job.Cancellation, failure] {
	known, found := noted()
	var err error
	switch {
	case bytes.IsSome():
		known, err = unpack(bytes.Some())
		found = true
	case !found:
		known, found, err = find(ctx)
	}
	canceled := witTypes.Ok[job.Cancellation, failure](job.MakeCancellationCanceled())
	if err == nil && !found {
		return canceled
	}
	if err == nil && known.Cancels > 0 {
		var ended bool
		ended, err = look(ctx, &known)
		if ended || (err != nil && assay_http.Of(err).Tag() == assay_plugin_types.Error_Lost) {
			return canceled
		}
	}
	var response http.Response
	request := assay_http.Request("POST", place(ctx, "deck")+"/abort?prowjob="+url.QueryEscape(known.ID), nil, deckSecret(ctx))
	if err == nil {
		response, err = assay_http.Send(request)
	}
	if err != nil {
		return witTypes.Err[job.Cancellation](assay_http.Of(err))
	}
	switch response.Status {
	case 404:
		return canceled
	case 400, 401, 403, 409:
		why := fmt.Sprintf("%s answered %d: %s", assay_http.Name(request), response.Status, assay_http.Shown(response.Body))
		return witTypes.Ok[job.Cancellation, failure](job.MakeCancellationRefused(why))
	}
	if err := assay_http.Check(request, response.Status, response.Headers, response.Body, true); err != nil {
		return witTypes.Err[job.Cancellation](assay_http.Of(err))
	}
	known.Cancels++
	return witTypes.Ok[job.Cancellation, failure](job.MakeCancellationPending(waiting(ctx, known, 2_000)))
}

// The secret for deck: that of gangway, if they are one host.
func deckSecret(ctx context) string {
	deck, err := url.Parse(place(ctx, "deck"))
	gangway, other := url.Parse(place(ctx, "gangway"))
	if err == nil && other == nil && deck.Host == gangway.Host {
		return "gangway"
	}
	return "deck"
}
