// Package export_assay_plugin_remote_job is {{name}}: it runs a job of a service over HTTP and collects its result. Replace
// the paths with those of your service.
//
// The service of this template: POST /jobs creates a job, GET /jobs/ID returns its status, GET /jobs/ID/log its log, and
// DELETE /jobs/ID cancels it. Between two calls, no instance of this program exists: all it knows is in the state.
package export_assay_plugin_remote_job

import (
	"encoding/json"
	"fmt"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	"wit_component/assay_http"
	checkpoint "wit_component/assay_plugin_checkpoint"
	job "wit_component/assay_plugin_remote_job"
	"wit_component/assay_plugin_types"
)

type (
	context = assay_plugin_types.Context
	failure = assay_plugin_types.Error
)

const pollMs = 10_000

// The state; it begins with its own version, so that a newer plugin can read it.
type state struct {
	Version int    `json:"version"`
	Job     string `json:"job"`
	Status  string `json:"status"`
}

type answer struct {
	ID     any    `json:"id"`
	Status string `json:"status"`
}

func pack(id, status string) []uint8 {
	bytes, _ := json.Marshal(state{Version: 1, Job: id, Status: status})
	return bytes
}

func unpack(bytes []uint8) (state, error) {
	var known state
	if err := json.Unmarshal(bytes, &known); err != nil || known.Version != 1 {
		return known, assay_http.Failed{Cause: assay.Invalid("the state was written by another version of this plugin")}
	}
	return known, nil
}

func address(ctx context, id string) string {
	return assay.Text(ctx, "url") + "/jobs/" + id
}

func waiting(ctx context, id, status string) witTypes.Result[job.Status, failure] {
	return witTypes.Ok[job.Status, failure](job.MakeStatusWaiting(job.Waiting{
		State: pack(id, status), AfterMs: pollMs, Native: status, Url: witTypes.Some(address(ctx, id)),
	}))
}

// Submit creates the job, or finds the one that the checkpoint names.
func Submit(ctx context) witTypes.Result[job.Status, failure] {
	if note := checkpoint.Get("job"); note.IsSome() {
		return waiting(ctx, string(note.Some()), "queued")
	}
	// The service creates one job per key, however many requests there are.
	var made answer
	body := map[string]string{"key": ctx.Key}
	if err := assay_http.JSON(assay_http.Request("POST", assay.Text(ctx, "url")+"/jobs", body, ""), &made); err != nil {
		return witTypes.Err[job.Status](assay_http.Of(err))
	}
	id := fmt.Sprint(made.ID)
	if noted := checkpoint.Set("job", []uint8(id)); noted.IsErr() {
		return witTypes.Err[job.Status](assay_plugin_types.MakeErrorInternal("the job " + id + " cannot be noted"))
	}
	if made.Status == "" {
		made.Status = "queued"
	}
	return waiting(ctx, id, made.Status)
}

// Poll reads the status.
func Poll(ctx context, bytes []uint8) witTypes.Result[job.Status, failure] {
	known, err := unpack(bytes)
	var now answer
	if err == nil {
		err = assay_http.JSON(assay_http.Request("GET", address(ctx, known.Job), nil, ""), &now)
	}
	if err != nil {
		return witTypes.Err[job.Status](assay_http.Of(err))
	}
	if now.Status == "queued" || now.Status == "running" {
		return waiting(ctx, known.Job, now.Status)
	}
	return witTypes.Ok[job.Status, failure](job.MakeStatusEnded(pack(known.Job, now.Status)))
}

// Collect fetches the log and returns the verdict.
func Collect(ctx context, bytes []uint8) witTypes.Result[job.Collected, failure] {
	known, err := unpack(bytes)
	url := address(ctx, known.Job)
	if err == nil {
		err = assay_http.Download(assay_http.Request("GET", url+"/log", nil, ""), "console.log", "text/plain")
	}
	if err != nil {
		return witTypes.Err[job.Collected](assay_http.Of(err))
	}
	var findings []assay_plugin_types.Finding
	successes := uint32(1)
	if known.Status != "passed" {
		successes = 0
		message := fmt.Sprintf("job %s ended with the status %s", known.Job, known.Status)
		findings = append(findings, assay.Failure("{{name}}.passed", message, url))
	}
	verdict := assay.Verdict(successes, findings, fmt.Sprintf("job %s: %s", known.Job, known.Status))
	verdict.Links = []witTypes.Tuple2[string, string]{{F0: "job", F1: url}}
	return witTypes.Ok[job.Collected, failure](job.MakeCollectedDone(verdict))
}

// Cancel stops the job, if there is one.
func Cancel(ctx context, bytes witTypes.Option[[]uint8], _ string) witTypes.Result[job.Cancellation, failure] {
	id := ""
	if bytes.IsSome() {
		known, err := unpack(bytes.Some())
		if err != nil {
			return witTypes.Err[job.Cancellation](assay_http.Of(err))
		}
		id = known.Job
	} else if note := checkpoint.Get("job"); note.IsSome() {
		id = string(note.Some())
	}
	canceled := witTypes.Ok[job.Cancellation, failure](job.MakeCancellationCanceled())
	if id == "" {
		return canceled
	}
	response, err := assay_http.Send(assay_http.Request("DELETE", address(ctx, id), nil, ""))
	if err != nil {
		return witTypes.Err[job.Cancellation](assay_http.Of(err))
	}
	if response.Status < 300 || response.Status == 404 || response.Status == 410 {
		return canceled
	}
	refused := fmt.Sprintf("the service answered %d", response.Status)
	return witTypes.Ok[job.Cancellation, failure](job.MakeCancellationRefused(refused))
}
