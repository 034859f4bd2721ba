# METADATA
# title: SLSA provenance
# description: >-
#   Reads what SLSA v0.2 and v1 provenance have in common, so that rules need not know which of them they judge.
#   Only verified attestations are in the input.
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

# The builder's id; empty when the provenance has none.
builder_id(statement) := id if {
	statement.predicateType == v0_2
	id := statement.predicate.builder.id
} else := id if {
	statement.predicateType == v1
	id := statement.predicate.runDetails.builder.id
} else := ""

# The build type; empty when the provenance has none.
build_type(statement) := type if {
	statement.predicateType == v0_2
	type := statement.predicate.buildType
} else := type if {
	statement.predicateType == v1
	type := statement.predicate.buildDefinition.buildType
} else := ""

# What went into the build: v0.2 materials, v1 resolved dependencies.
dependencies(statement) := list if {
	statement.predicateType == v0_2
	list := statement.predicate.materials
	is_array(list)
} else := list if {
	statement.predicateType == v1
	list := statement.predicate.buildDefinition.resolvedDependencies
	is_array(list)
} else := []

# The commits of source code that went into any of the builds. In v1 the definitions of tasks and pipelines are told
# apart by their name and left out; v0.2 does not tell.
commits contains {"url": normal_url(dependency.uri), "commit": commit} if {
	some statement in provenances
	some dependency in dependencies(statement)
	startswith(dependency.uri, "git+")
	not object.get(dependency, "name", "") in {"task", "pipelineTask", "pipeline"}
	some algorithm in ["sha1", "gitCommit"]
	commit := dependency.digest[algorithm]
	regex.match(`^[0-9a-f]{40}$`, commit)
}

# A repository's address in the spelling in which two of them are compared.
normal_url(url) := trim_suffix(trim_suffix(trim_prefix(url, "git+"), "/"), ".git")
