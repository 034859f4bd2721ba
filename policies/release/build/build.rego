# METADATA
# title: Builder and build tasks
# description: >-
#   An image ships only when a known builder made it with a known kind of build, and when each Tekton task of the build
#   came from a definition that is pinned, listed as trusted and not past its date.
# custom:
#   rule_data:
#     allowed_builder_ids: >-
#       The ids of builders. Absent: none.
#     allowed_build_types: >-
#       The build types of provenance. Absent: none.
#     task_expiry_warning_days: >-
#       How many days before the trust in a task ends there is a warning. Absent: 30.
package build

# METADATA
# title: Builder is allowed
# description: The builder of each provenance is in the list `allowed_builder_ids` of the rule data.
# custom:
#   short_name: builder_allowed
#   failure_msg: >-
#     The builder `%s` is not in the list of allowed builders
#   solution: >-
#     Build with a builder of the list, or add the builder's id to `allowed_builder_ids`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some statement in data.lib.slsa.provenances
	id := data.lib.slsa.builder_id(statement)
	not id in data.lib.rule_data.list("allowed_builder_ids")
	result := data.lib.result.about(id, rego.metadata.chain(), [id])
}

# METADATA
# title: Build type is allowed
# description: The build type of each provenance is in the list `allowed_build_types` of the rule data.
# custom:
#   short_name: build_type_allowed
#   failure_msg: >-
#     The build type `%s` is not in the list of allowed build types
#   solution: >-
#     Let Tekton Chains write provenance of a build type of the list, or add the type to `allowed_build_types`.
#   collections:
#   - release
deny contains result if {
	some statement in data.lib.slsa.provenances
	type := data.lib.slsa.build_type(statement)
	not type in data.lib.rule_data.list("allowed_build_types")
	result := data.lib.result.about(type, rego.metadata.chain(), [type])
}

# METADATA
# title: Tasks are recorded
# description: The provenance of the image says which Tekton tasks ran, or at least where their definitions come from.
# custom:
#   short_name: tasks_recorded
#   failure_msg: >-
#     The provenance records no Tekton tasks
#   solution: >-
#     Let Tekton Chains attest the whole PipelineRun (`artifacts.pipelinerun.format`), not only its TaskRuns.
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
# title: Tasks are defined elsewhere
# description: >-
#   Each task is defined in a bundle or a git repository. A definition inside the pipeline or the cluster leaves no
#   trace by which it could be trusted.
# custom:
#   short_name: task_referenced
#   failure_msg: >-
#     The task `%s` comes neither from a bundle nor from a git repository
#   solution: >-
#     Publish the task as a bundle and refer to it with the `bundles` resolver, or keep it in git and use the `git` resolver.
#   collections:
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	task.source.kind == "none"
	label := data.lib.tekton.label(task)
	result := data.lib.result.about(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Tasks are pinned
# description: Each bundle is referred to by digest and each git repository by commit, so that a build can be repeated.
# custom:
#   short_name: task_pinned
#   failure_msg: >-
#     The task %s is referred to without digest or commit
#   solution: >-
#     Add the digest to the bundle's reference (`repository:tag@sha256:…`), or use the full commit as the revision.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	task.source.kind != "none"
	not task.source.pinned
	result := data.lib.result.about(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task)])
}

# METADATA
# title: List of trusted tasks is given
# description: The data sources hold `trusted_tasks`, and it is not empty.
# custom:
#   short_name: trusted_tasks_given
#   failure_msg: >-
#     The data sources hold no list of trusted tasks
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
# title: Tasks are trusted
# description: Each definition is in the list of trusted tasks, by digest or commit.
# custom:
#   short_name: task_trusted
#   failure_msg: >-
#     The task %s is not in the list of trusted tasks
#   solution: >-
#     Update the reference to a definition of the list, or let the keepers of the list review this one and add it.
#   collections:
#   - minimal
#   - release
#   depends_on:
#   - build.trusted_tasks_given
deny contains result if {
	some task in data.lib.tekton.tasks
	task.source.kind != "none"
	count(data.lib.trust.records(task.source)) == 0
	result := data.lib.result.about(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task)])
}

# METADATA
# title: Tasks are trusted today
# description: The trust in no definition has ended, by `expires_on` in the list of trusted tasks.
# custom:
#   short_name: task_current
#   failure_msg: >-
#     The task %s was trusted until %s
#   solution: >-
#     Update the reference to the newest definition of the list.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	records := data.lib.trust.records(task.source)
	count(records) > 0
	count(current_of(records)) == 0
	result := data.lib.result.about(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task), ends_of(records)])
}

# METADATA
# title: Tasks are trusted for some time
# description: >-
#   No definition is about to lose its trust. How many days ahead this looks is `task_expiry_warning_days` of the rule
#   data, 30 if absent.
# custom:
#   short_name: task_lasting
#   failure_msg: >-
#     The task %s is trusted only until %s
#   solution: >-
#     Update the reference to the newest definition of the list before the date.
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
	result := data.lib.result.about(data.lib.tekton.label(task), rego.metadata.chain(), [data.lib.tekton.described(task), ends_of(current)])
}

current_of(records) := [record | some record in records; data.lib.trust.current(record)]

# The latest date among the records. They are of one form in lists that are made by machine, so text order will do.
ends_of(records) := max([record.expires_on | some record in records])
