// Package export_assay_plugin_custom_task is {{name}}: every image of the Snapshot must come from an allowed registry.
// Replace it with your own task.
package export_assay_plugin_custom_task

import (
	"fmt"
	"strings"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	logging "wit_component/assay_plugin_logging"
	snapshot "wit_component/assay_plugin_snapshot"
	"wit_component/assay_plugin_types"
)

// All components of the Snapshot; one response of the host has at most 500.
func components() []snapshot.Component {
	var all []snapshot.Component
	for {
		part := snapshot.Components(uint32(len(all)), 500)
		if len(part) == 0 {
			return all
		}
		all = append(all, part...)
	}
}

func isAllowed(image string, registries []string) bool {
	for _, prefix := range registries {
		if strings.HasPrefix(image, prefix) {
			return true
		}
	}
	return false
}

// Run is called once.
func Run(ctx assay_plugin_types.Context) witTypes.Result[assay_plugin_types.Verdict, assay_plugin_types.Error] {
	registries := assay.List(ctx, "registries")
	var findings []assay_plugin_types.Finding
	successes := uint32(0)
	for _, component := range components() {
		if isAllowed(component.Image, registries) {
			successes++
			continue
		}
		message := fmt.Sprintf("%s of the component %s is not from an allowed registry", component.Image, component.Name)
		finding := assay.Failure("{{name}}.registry", message, component.Image)
		finding.Terms = []string{component.Name}
		findings = append(findings, finding)
	}
	note := fmt.Sprintf("%d of %d images are from allowed registries", successes, int(successes)+len(findings))
	logging.Log(logging.Level_Info, note)
	return witTypes.Ok[assay_plugin_types.Verdict, assay_plugin_types.Error](assay.Verdict(successes, findings, note))
}
