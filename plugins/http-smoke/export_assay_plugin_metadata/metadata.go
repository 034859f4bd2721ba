// Package export_assay_plugin_metadata describes the plugin.
package export_assay_plugin_metadata

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	meta "wit_component/assay_plugin_metadata"
	"wit_component/assay_plugin_types"
)

const params = `{
  "type": "object",
  "properties": {
    "url": { "type": "string", "description": "The service, such as https://cart.example.com." },
    "paths": {
      "type": "array",
      "items": { "type": "string" },
      "default": ["/"],
      "description": "What is requested: PATH, or PATH=STATUS for a status other than 200."
    },
    "method": { "type": "string", "enum": ["GET", "HEAD"], "default": "GET", "description": "The method of every request." },
    "contains": {
      "type": "array",
      "items": { "type": "string" },
      "default": [],
      "description": "Strings that every response must contain."
    },
    "headers": {
      "type": "array",
      "items": { "type": "string" },
      "default": [],
      "description": "Headers that every response must have: NAME, or NAME=VALUE."
    },
    "timeout-ms": { "type": "integer", "default": 5000, "description": "The most time for a response." },
    "attempts": {
      "type": "integer",
      "default": 3,
      "description": "Attempts of the task after which a service that cannot be reached is a failure."
    },
    "secret": { "type": "boolean", "default": false, "description": "Whether requests carry the secret service." }
  },
  "required": ["url"],
  "additionalProperties": false
}`

func option(name, value string) []witTypes.Tuple2[string, string] {
	return []witTypes.Tuple2[string, string]{{F0: name, F1: value}}
}

// Describe is called while the plugin is built and vetted.
func Describe() meta.Manifest {
	high := assay_plugin_types.Severity_High
	return meta.Manifest{
		Name:    "http-smoke",
		Version: "0.1.0",
		Summary: "Requests pages of a service and checks the responses.",
		License: "Apache-2.0",
		Params:  params,
		Permissions: []meta.Permission{
			{Kind: "http", Name: "{url}", Options: option("methods", "GET,HEAD"), Reason: "the service is what is tested"},
			{Kind: "secret", Name: "service", Options: option("host", "{url}"), Reason: "the service may need a login"},
		},
		Rules: []meta.Rule{
			{Code: "http-smoke.response", Title: "Service must answer as expected", Severity: high},
			{Code: "http-smoke.unreachable", Title: "Service must be reachable", Severity: high},
		},
	}
}
