// Package export_assay_plugin_metadata describes the plugin.
package export_assay_plugin_metadata

import meta "wit_component/assay_plugin_metadata"

const params = `{
  "type": "object",
  "properties": { "title": { "type": "string", "default": "Run" } },
  "additionalProperties": false
}`

// Describe is called while the plugin is built and vetted.
func Describe() meta.Manifest {
	return meta.Manifest{
		Name:    "{{name}}",
		Version: "0.1.0",
		Summary: "Writes a page about a run.",
		License: "Apache-2.0",
		Params:  params,
	}
}
