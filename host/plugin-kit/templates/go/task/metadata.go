// Package export_assay_plugin_metadata describes the plugin.
package export_assay_plugin_metadata

import (
	meta "wit_component/assay_plugin_metadata"
	"wit_component/assay_plugin_types"
)

const params = `{
  "type": "object",
  "properties": {
    "registries": { "type": "array", "items": { "type": "string" }, "default": ["registry.example/"] }
  },
  "additionalProperties": false
}`

// Describe is called while the plugin is built and vetted.
func Describe() meta.Manifest {
	return meta.Manifest{
		Name:    "{{name}}",
		Version: "0.1.0",
		Summary: "Checks that the images of a Snapshot come from allowed registries.",
		License: "Apache-2.0",
		Params:  params,
		Rules: []meta.Rule{
			{Code: "{{name}}.registry", Title: "Image must come from an allowed registry", Severity: assay_plugin_types.Severity_High},
		},
	}
}
