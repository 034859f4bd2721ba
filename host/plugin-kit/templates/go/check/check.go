// Package export_assay_plugin_image_check is {{name}}: an image must have an attestation of a certain type. Replace it with
// your own check.
package export_assay_plugin_image_check

import (
	"fmt"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	evidence "wit_component/assay_plugin_evidence"
	logging "wit_component/assay_plugin_logging"
	"wit_component/assay_plugin_types"
)

type result = witTypes.Result[[]assay_plugin_types.Finding, assay_plugin_types.Error]

func fail(err assay_plugin_types.Error) result {
	return witTypes.Err[[]assay_plugin_types.Finding](err)
}

// Evaluate is called for each image.
func Evaluate(ctx assay_plugin_types.Context, image string) result {
	wanted := assay.Text(ctx, "type")
	found := evidence.Attestations(image)
	if found.IsErr() {
		return fail(assay_plugin_types.MakeErrorInternal(fmt.Sprintf("the attestations of %s cannot be read", image)))
	}
	logging.Log(logging.Level_Info, fmt.Sprintf("%s has %d attestations", image, len(found.Ok())))
	for _, attestation := range found.Ok() {
		if attestation.PredicateType == wanted {
			return witTypes.Ok[[]assay_plugin_types.Finding, assay_plugin_types.Error](nil)
		}
	}
	finding := assay.Failure("{{name}}.attested", fmt.Sprintf("%s has no attestation of the type %s", image, wanted), image)
	finding.Solution = witTypes.Some("Build the image with a pipeline that makes the attestation.")
	return witTypes.Ok[[]assay_plugin_types.Finding, assay_plugin_types.Error]([]assay_plugin_types.Finding{finding})
}
