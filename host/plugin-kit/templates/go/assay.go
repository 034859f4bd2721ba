// Package assay has helpers for plugins, part of the template: change them as you like.
package assay

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay_plugin_types"
)

// Invalid is the error for inputs that can never work: the call is not retried.
func Invalid(message string) assay_plugin_types.Error {
	return assay_plugin_types.MakeErrorInvalid(message)
}

// Retry is an error after which the same call is retried: the network, 429, 5xx. With 0 milliseconds, the host chooses the delay.
func Retry(message string, afterMs uint32) assay_plugin_types.Error {
	after := witTypes.None[uint32]()
	if afterMs > 0 {
		after = witTypes.Some(afterMs)
	}
	return assay_plugin_types.MakeErrorTransient(assay_plugin_types.Retry{Message: message, AfterMs: after})
}

// Text is a parameter that is a string. The host has checked it and filled in its default.
func Text(ctx assay_plugin_types.Context, name string) string {
	for _, param := range ctx.Params {
		if param.Name == name && param.Value.Tag() == assay_plugin_types.Value_Text {
			return param.Value.Text()
		}
	}
	return ""
}

// List is a parameter that is a list of strings.
func List(ctx assay_plugin_types.Context, name string) []string {
	for _, param := range ctx.Params {
		if param.Name == name && param.Value.Tag() == assay_plugin_types.Value_Items {
			return param.Value.Items()
		}
	}
	return nil
}

// Failure is one finding. Its code must be among the rules of the manifest.
func Failure(code, message, subject string) assay_plugin_types.Finding {
	return assay_plugin_types.Finding{
		Code:     code,
		Outcome:  assay_plugin_types.Outcome_Failure,
		Severity: assay_plugin_types.Severity_High,
		Message:  message,
		Subject:  witTypes.Some(subject),
		Solution: witTypes.None[string](),
	}
}

// Verdict is the result of a task or a job, a failure if there are findings. The host counts by itself: a success with
// failures is an error.
func Verdict(successes uint32, findings []assay_plugin_types.Finding, note string) assay_plugin_types.Verdict {
	outcome := assay_plugin_types.Outcome_Success
	if len(findings) > 0 {
		outcome = assay_plugin_types.Outcome_Failure
	}
	return assay_plugin_types.Verdict{
		Outcome:   outcome,
		Successes: successes,
		Failures:  uint32(len(findings)),
		Namespace: witTypes.None[string](),
		Note:      witTypes.Some(note),
		Timestamp: witTypes.None[uint64](),
		Findings:  findings,
	}
}
