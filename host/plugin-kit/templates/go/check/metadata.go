// Package export_assay_plugin_metadata describes the plugin.
package export_assay_plugin_metadata

import (
	meta "wit_component/assay_plugin_metadata"
	"wit_component/assay_plugin_types"
)

const params = `{
  "type": "object",
  "properties": { "type": { "type": "string", "default": "https://slsa.dev/provenance/v1" } },
  "additionalProperties": false
}`

// Describe is called while the plugin is built and vetted.
func Describe() meta.Manifest {
	return meta.Manifest{
		Name:        "{{name}}",
		Version:     "0.1.0",
		Summary:     "Checks that an image has an attestation of a certain type.",
		License:     "Apache-2.0",
		Params:      params,
		Permissions: []meta.Permission{{Kind: "evidence", Name: "attestations", Reason: "they are what is checked"}},
		Rules: []meta.Rule{
			{Code: "{{name}}.attested", Title: "Image must have the attestation", Severity: assay_plugin_types.Severity_High},
		},
	}
}
