# METADATA
# title: Plugins
# description: >-
#   Whether a plugin may run. `assay plugin vet` evaluates these rules over everything that is known of a plugin: its manifest,
#   what its component holds, who signed it, verified attestations, and what plugins.toml grants. They need no other package.
# custom:
#   rule_data:
#     require_provenance: >-
#       Whether signed SLSA provenance is required. Absent: false, and a plugin without it has a warning.
#     require_sbom: >-
#       Whether a signed SBOM is required. Absent: false, and a plugin without one has a warning.
#     allowed_licenses: >-
#       Licenses that the plugin and the packages of its SBOM may have, as they are written there. Absent: any.
#     max_component_bytes: >-
#       The largest component. Absent: 64 MiB.
package vet

# METADATA
# title: Plugin must be signed
# description: Someone whom plugins.toml trusts for the plugin signed it.
# custom:
#   short_name: signed
#   failure_msg: Nobody whom plugins.toml trusts for the plugin signed it
#   solution: >-
#     Sign it with `assay plugin sign`, or name the signer in plugins.toml (`trust`).
deny contains result if {
	count(input.signers) == 0
	result := of(rego.metadata.chain(), [])
}

# METADATA
# title: Permissions must be granted
# description: Each host and secret that the plugin requests is granted in plugins.toml.
# custom:
#   short_name: granted
#   failure_msg: The plugin requests %s, which plugins.toml does not grant (%s)
#   solution: >-
#     Grant it in plugins.toml, or use a version of the plugin that does not request it.
deny contains result if {
	some permission in input.permissions
	not is_granted(permission)
	subject := sprintf("%s %s", [permission.kind, permission.name])
	result := with_term(permission.name, rego.metadata.chain(), [subject, permission.reason])
}

# METADATA
# title: New permissions should be reviewed
# description: The plugin requests nothing that the version in assay.lock did not request.
# custom:
#   short_name: new_permission
#   failure_msg: The plugin requests %s, which version %s did not
#   solution: >-
#     Read the reason that the plugin gives, and accept it with `assay plugin lock --accept-permissions`.
warn contains result if {
	is_object(input.previous)
	some permission in input.permissions
	not was_requested(permission)
	subject := sprintf("%s %s", [permission.kind, permission.name])
	result := with_term(permission.name, rego.metadata.chain(), [subject, input.previous.version])
}

# METADATA
# title: Description must be stable
# description: >-
#   The plugin describes itself in the same way at other times and with other random numbers, so that what was vetted is what
#   runs.
# custom:
#   short_name: stable
#   failure_msg: The plugin describes itself differently at other times
#   solution: >-
#     Report it to the author of the plugin: the description must be constant.
deny contains result if {
	not input.describe.stable
	result := of(rego.metadata.chain(), [])
}

# METADATA
# title: Component must be small
# description: The component is not larger than `max_component_bytes` of the rule data.
# custom:
#   short_name: size
#   failure_msg: The component has %d bytes, more than %d
#   solution: >-
#     Build it without debug information, or allow more in the rule data (`max_component_bytes`).
deny contains result if {
	most := setting("max_component_bytes", 67108864)
	input.component.size > most
	result := of(rego.metadata.chain(), [input.component.size, most])
}

# METADATA
# title: Licenses must be allowed
# description: >-
#   The license of the plugin and of each package in its SBOM is in the list `allowed_licenses` of the rule data, if there is
#   one.
# custom:
#   short_name: license
#   failure_msg: The license `%s` of %s is not allowed
#   solution: >-
#     Allow the license in the rule data (`allowed_licenses`), or use a version without the package.
deny contains result if {
	allowed := setting("allowed_licenses", null)
	is_array(allowed)
	some item in licensed
	not item.license in allowed
	result := with_term(item.name, rego.metadata.chain(), [item.license, item.name])
}

# METADATA
# title: Provenance should be present
# description: A trusted signer attested the SLSA provenance of the plugin.
# custom:
#   short_name: provenance
#   failure_msg: No SLSA provenance of the plugin is signed by someone whom plugins.toml trusts for it
#   solution: >-
#     Attest the provenance where the plugin is built, such as with the SLSA generators for GitHub.
warn contains result if {
	setting("require_provenance", false) == false
	not has_provenance
	result := of(rego.metadata.chain(), [])
}

# METADATA
# title: Provenance must be present
# description: A trusted signer attested the SLSA provenance of the plugin, if the rule data has `require_provenance`.
# custom:
#   short_name: provenance_required
#   failure_msg: No SLSA provenance of the plugin is signed by someone whom plugins.toml trusts for it
#   solution: >-
#     Attest the provenance where the plugin is built, such as with the SLSA generators for GitHub.
deny contains result if {
	setting("require_provenance", false) != false
	not has_provenance
	result := of(rego.metadata.chain(), [])
}

# METADATA
# title: SBOM should be present
# description: A trusted signer attested an SBOM of the plugin.
# custom:
#   short_name: sbom
#   failure_msg: No SBOM of the plugin is signed by someone whom plugins.toml trusts for it
#   solution: >-
#     Push the plugin with `--sbom FILE --sign-key KEY`.
warn contains result if {
	setting("require_sbom", false) == false
	not is_object(input.sbom)
	result := of(rego.metadata.chain(), [])
}

# METADATA
# title: SBOM must be present
# description: A trusted signer attested an SBOM of the plugin, if the rule data has `require_sbom`.
# custom:
#   short_name: sbom_required
#   failure_msg: No SBOM of the plugin is signed by someone whom plugins.toml trusts for it
#   solution: >-
#     Push the plugin with `--sbom FILE --sign-key KEY`.
deny contains result if {
	setting("require_sbom", false) != false
	not is_object(input.sbom)
	result := of(rego.metadata.chain(), [])
}

# What reaches nobody outside needs no grant.
is_granted(permission) if not permission.kind in {"http", "secret"}

is_granted(permission) if {
	permission.kind == "secret"
	is_object(input.grants.secrets[permission.name])
}

# A host that is a parameter is chosen by the user; the grant decides then.
is_granted(permission) if {
	permission.kind == "http"
	startswith(permission.name, "{")
}

is_granted(permission) if {
	permission.kind == "http"
	some grant in input.grants.http
	grant.host == permission.name
	every method in requested_methods(permission) {
		method in {upper(granted) | some granted in grant.methods}
	}
}

requested_methods(permission) := {upper(trim_space(method)) |
	some method in split(object.get(permission.options, "methods", "GET"), ",")
}

was_requested(permission) if {
	some before in input.previous.permissions
	before.kind == permission.kind
	before.name == permission.name
	before.options == permission.options
}

has_provenance if {
	some attestation in input.attestations
	startswith(attestation.predicate_type, "https://slsa.dev/provenance/")
}

licensed contains {"name": input.plugin.name, "license": input.plugin.license}

licensed contains {"name": item.name, "license": item.license} if {
	some item in input.sbom.packages
}

# A setting of the policy configuration (`ruleData`), else of a data source (`rule_data`).
setting(name, fallback) := value if {
	value := data.rule_data__configuration__[name]
} else := value if {
	value := data.rule_data[name]
} else := fallback

# The result of a rule: its code is the package and the `short_name`, its message the `failure_msg` with the values.
of(chain, values) := {
	"code": sprintf("vet.%s", [chain[0].annotations.custom.short_name]),
	"msg": sprintf(chain[0].annotations.custom.failure_msg, values),
}

with_term(term, chain, values) := object.union(of(chain, values), {"term": term})
