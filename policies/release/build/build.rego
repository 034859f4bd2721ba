# METADATA
# title: Builder and build tasks
# description: >-
#   The image must be built by an allowed builder with an allowed build type, and each Tekton task of the build must come
#   from a definition that is pinned, trusted and not expired.
# custom:
#   rule_data:
#     allowed_builder_ids: >-
#       IDs of allowed builders. Absent: none.
#     allowed_build_types: >-
#       Allowed build types of provenance. Absent: none.
#     task_expiry_warning_days: >-
#       Number of days before the trust in a task expires from which to warn. Absent: 30.
package build

# METADATA
# title: Builder must be allowed
# description: The builder ID of each provenance must be in the list `allowed_builder_ids` of the rule data.
# custom:
#   short_name: builder_allowed
#   failure_msg: >-
#     The builder `%s` is not in the list of allowed builders
#   solution: >-
#     Build with an allowed builder, or add the ID of this one to `allowed_builder_ids`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some statement in data.lib.slsa.provenances
	id := data.lib.slsa.builder_id(statement)
	not id in data.lib.rule_data.list("allowed_builder_ids")
	result := data.lib.result.with_term(id, rego.metadata.chain(), [id])
}

# METADATA
# title: Build type must be allowed
# description: The build type of each provenance must be in the list `allowed_build_types` of the rule data.
# custom:
#   short_name: build_type_allowed
#   failure_msg: >-
#     The build type `%s` is not in the list of allowed build types
#   solution: >-
#     Configure Tekton Chains to write provenance of an allowed build type, or add this one to `allowed_build_types`.
#   collections:
#   - release
deny contains result if {
	some statement in data.lib.slsa.provenances
	type := data.lib.slsa.build_type(statement)
	not type in data.lib.rule_data.list("allowed_build_types")
	result := data.lib.result.with_term(type, rego.metadata.chain(), [type])
}

# METADATA
# title: Provenance must record the tasks of the build
# description: The provenance of the image must record which Tekton tasks ran, or at least the sources of their definitions.
# custom:
#   short_name: tasks_recorded
#   failure_msg: >-
#     The provenance records no Tekton tasks
#   solution: >-
#     Configure Tekton Chains to attest the whole PipelineRun (`artifacts.pipelinerun.format`), not only its TaskRuns.
#   collections:
#   - minimal
#   - release
#   depends_on:
#   - provenance.present
deny contains result if {
	count(data.lib.tekton.tasks) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Tasks must come from a bundle or a git repository
# description: >-
#   Each task must be defined in a bundle or a git repository. Provenance does not identify a definition that is embedded
#   in the pipeline or stored in the cluster, so it cannot be trusted.
# custom:
#   short_name: task_referenced
#   failure_msg: >-
#     The task `%s` comes neither from a bundle nor from a git repository
#   solution: >-
#     Publish the task as a bundle and reference it with the `bundles` resolver, or store it in git and use the `git` resolver.
#   collections:
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	task.source.kind == "none"
	label := data.lib.tekton.label(task)
	result := data.lib.result.with_term(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Task references must be pinned
# description: Each bundle must be referenced by digest and each git repository by commit, so that a build can be repeated.
# custom:
#   short_name: task_pinned
#   failure_msg: >-
#     The task %s is referenced without a digest or commit
#   solution: >-
#     Add the digest to the bundle reference (`repository:tag@sha256:…`), or use the full commit ID as the revision.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	task.source.kind != "none"
	not task.source.pinned
	result := data.lib.result.with_term(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task)])
}

# METADATA
# title: List of trusted tasks must be provided
# description: A data source must provide `trusted_tasks`, and it must not be empty.
# custom:
#   short_name: trusted_tasks_given
#   failure_msg: >-
#     No data source provides a list of trusted tasks
#   solution: >-
#     Add a data source with the list of trusted tasks to the policy configuration.
#   collections:
#   - minimal
#   - release
deny contains result if {
	count(data.lib.trust.list) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Tasks must be trusted
# description: The list of trusted tasks must contain each task definition, by digest or commit.
# custom:
#   short_name: task_trusted
#   failure_msg: >-
#     The task %s is not in the list of trusted tasks
#   solution: >-
#     Update the reference to a trusted definition, or ask the maintainers of the list to review and add this one.
#   collections:
#   - minimal
#   - release
#   depends_on:
#   - build.trusted_tasks_given
deny contains result if {
	some task in data.lib.tekton.tasks
	task.source.kind != "none"
	count(data.lib.trust.records(task.source)) == 0
	result := data.lib.result.with_term(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task)])
}

# METADATA
# title: Task trust must not be expired
# description: At least one record of each task definition in the list of trusted tasks must not be past its `expires_on`.
# custom:
#   short_name: task_current
#   failure_msg: >-
#     The task %s was trusted until %s
#   solution: >-
#     Update the reference to the newest trusted definition.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	records := data.lib.trust.records(task.source)
	count(records) > 0
	count(current_of(records)) == 0
	result := data.lib.result.with_term(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task), latest_expiry(records)])
}

# METADATA
# title: Task trust must not expire soon
# description: >-
#   The trust in each task definition must not expire within `task_expiry_warning_days` of the rule data, 30 days if
#   absent.
# custom:
#   short_name: task_lasting
#   failure_msg: >-
#     The task %s is trusted only until %s
#   solution: >-
#     Update the reference to the newest trusted definition before that date.
#   collections:
#   - release
warn contains result if {
	days := data.lib.rule_data.number("task_expiry_warning_days", 30)
	some task in data.lib.tekton.tasks
	current := current_of(data.lib.trust.records(task.source))
	count(current) > 0
	every record in current {
		data.lib.trust.expiring(record, days)
	}
	result := data.lib.result.with_term(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task), latest_expiry(current)])
}

current_of(records) := [record | some record in records; data.lib.trust.current(record)]

# The latest date of the records. Generated lists use one date format, so string order is enough.
latest_expiry(records) := max([record.expires_on | some record in records])
