// Package export_assay_plugin_renderer is {{name}}: it writes a page about a run. Replace it with your own report.
package export_assay_plugin_renderer

import (
	"fmt"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	artifacts "wit_component/assay_plugin_artifacts"
	events "wit_component/assay_plugin_events"
	logging "wit_component/assay_plugin_logging"
	"wit_component/assay_plugin_types"
)

type result = witTypes.Result[[]string, assay_plugin_types.Error]

// Render returns the names of the artifacts that it wrote.
func Render(ctx assay_plugin_types.Context) result {
	page := fmt.Sprintf("# %s\n\n", assay.Text(ctx, "title"))
	last, count := uint64(0), 0
	for {
		// One response of the host has at most 500 events.
		part := events.After(last, 500)
		if len(part) == 0 {
			break
		}
		for _, event := range part {
			page += fmt.Sprintf("- %d: `%s`\n", event.Number, event.Document)
			last = event.Number
			count++
		}
	}
	if written := artifacts.Append("report.md", "text/markdown", []uint8(page)); written.IsErr() {
		return witTypes.Err[[]string](assay_plugin_types.MakeErrorInternal("report.md cannot be written"))
	}
	logging.Log(logging.Level_Info, fmt.Sprintf("%d events", count))
	return witTypes.Ok[[]string, assay_plugin_types.Error]([]string{"report.md"})
}
