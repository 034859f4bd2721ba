// Package export_assay_plugin_metadata describes the plugin.
package export_assay_plugin_metadata

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	meta "wit_component/assay_plugin_metadata"
	"wit_component/assay_plugin_types"
)

const params = `{
  "type": "object",
  "properties": { "url": { "type": "string" } },
  "required": ["url"],
  "additionalProperties": false
}`

// Describe is called while the plugin is built and vetted.
func Describe() meta.Manifest {
	return meta.Manifest{
		Name:    "{{name}}",
		Version: "0.1.0",
		Summary: "Runs a job of a service and reports its result.",
		License: "Apache-2.0",
		Params:  params,
		Permissions: []meta.Permission{
			{
				Kind: "http", Name: "{url}", Reason: "the service with the jobs",
				Options: []witTypes.Tuple2[string, string]{{F0: "methods", F1: "GET,POST,DELETE"}},
			},
			{Kind: "checkpoint", Name: "job", Reason: "no job is made twice"},
		},
		Rules: []meta.Rule{
			{Code: "{{name}}.passed", Title: "Job must pass", Severity: assay_plugin_types.Severity_High},
		},
	}
}
