# METADATA
# title: SLSA provenance
# description: >-
#   Reads the common parts of SLSA v0.2 and v1 provenance, so that rules do not depend on the version. The input contains
#   verified attestations only.
package lib.slsa

v0_2 := "https://slsa.dev/provenance/v0.2"

v1 := "https://slsa.dev/provenance/v1"

default attestations := []

attestations := input.attestations if is_array(input.attestations)

# The provenance statements, in the order of the attestations.
provenances := [attestation.statement |
	some attestation in attestations
	attestation.statement.predicateType in {v0_2, v1}
]

# The builder ID; empty if absent.
builder_id(statement) := id if {
	statement.predicateType == v0_2
	id := statement.predicate.builder.id
} else := id if {
	statement.predicateType == v1
	id := statement.predicate.runDetails.builder.id
} else := ""

# The build type; empty if absent.
build_type(statement) := type if {
	statement.predicateType == v0_2
	type := statement.predicate.buildType
} else := type if {
	statement.predicateType == v1
	type := statement.predicate.buildDefinition.buildType
} else := ""

# The inputs of the build: v0.2 materials, v1 resolved dependencies.
dependencies(statement) := list if {
	statement.predicateType == v0_2
	list := statement.predicate.materials
	is_array(list)
} else := list if {
	statement.predicateType == v1
	list := statement.predicate.buildDefinition.resolvedDependencies
	is_array(list)
} else := []

# The source commits of all builds. In v1, definitions of tasks and pipelines are excluded by their name; v0.2 does not
# distinguish them.
commits contains {"url": normalized_url(dependency.uri), "commit": commit} if {
	some statement in provenances
	some dependency in dependencies(statement)
	startswith(dependency.uri, "git+")
	not object.get(dependency, "name", "") in {"task", "pipelineTask", "pipeline"}
	some algorithm in ["sha1", "gitCommit"]
	commit := dependency.digest[algorithm]
	regex.match(`^[0-9a-f]{40}$`, commit)
}

# A repository URL, normalized for comparison.
normalized_url(url) := trim_suffix(trim_suffix(trim_prefix(url, "git+"), "/"), ".git")
