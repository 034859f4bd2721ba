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
    "gangway": { "type": "string", "description": "where jobs are started", "default": "https://gangway-ci.apps.ci.l2s4.p1.openshiftapps.com" },
    "deck": { "type": "string", "description": "where jobs are watched and aborted", "default": "https://prow.ci.openshift.org" },
    "artifacts-url": { "type": "string", "description": "the bucket of artifacts over HTTP; none are collected without it" },
    "job": { "type": "string" },
    "type": { "type": "string", "enum": ["periodic", "postsubmit", "presubmit"], "default": "periodic" },
    "refs": { "type": "string", "description": "JSON, as gangway has it; needed for postsubmit and presubmit" },
    "envs": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE" },
    "labels": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE" },
    "annotations": { "type": "array", "items": { "type": "string" }, "description": "NAME=VALUE" },
    "junit": { "type": "array", "items": { "type": "string" }, "description": "reports, relative to the job's folder", "default": ["artifacts/junit_operator.xml"] },
    "poll-seconds": { "type": "integer", "default": 30 }
  },
  "required": ["job"],
  "additionalProperties": false
}`

func http(name, methods, reason string) meta.Permission {
	options := []witTypes.Tuple2[string, string]{{F0: "methods", F1: methods}}
	return meta.Permission{Kind: "http", Name: name, Reason: reason, Options: options}
}

// A secret has the name of the parameter with its host.
func secret(name, reason string) meta.Permission {
	options := []witTypes.Tuple2[string, string]{{F0: "host", F1: "{" + name + "}"}}
	return meta.Permission{Kind: "secret", Name: name, Reason: reason, Options: options}
}

// Describe is called while the plugin is built and vetted.
func Describe() meta.Manifest {
	return meta.Manifest{
		Name:          "prow",
		Version:       "0.1.0",
		Summary:       "Runs a job of Prow.",
		License:       "Apache-2.0",
		Documentation: "https://docs.prow.k8s.io",
		Params:        params,
		Permissions: []meta.Permission{
			http("{gangway}", "GET,POST", "starts jobs and finds them"),
			http("{deck}", "GET,POST", "watches jobs and aborts them"),
			http("{artifacts-url}", "GET", "logs and reports"),
			secret("gangway", "the token of gangway"),
			secret("deck", "the token of deck, if it is another host: only for aborting"),
			{Kind: "checkpoint", Name: "job", Reason: "no job is started twice"},
		},
		Rules: []meta.Rule{{Code: "prow.passed", Title: "The job must pass", Severity: assay_plugin_types.Severity_High}},
	}
}
