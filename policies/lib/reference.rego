# METADATA
# title: References to task definitions
# description: >-
#   Reads where the definition of a Tekton task comes from. A place has `kind` (`bundle`, `git` or `none`), `repository`,
#   `tag` (of bundles), `path` (in git), `ref` (the digest or commit, empty when unknown), `pinned` (whether the
#   reference itself names digest or commit) and `text` for messages.
package lib.reference

nowhere := {
	"kind": "none",
	"repository": "",
	"tag": "",
	"path": "",
	"ref": "",
	"pinned": false,
	"text": "a definition in place",
}

# The place that a task's reference names. `origin` is what Tekton resolved it to: `uri`, `digest` and `entryPoint`.
source(reference, origin) := bundle(text, origin) if {
	text := bundle_text(reference)
} else := git(reference, origin) if {
	reference.resolver == "git"
} else := nowhere

# The place by what was resolved alone.
resolved(dependency) := place if {
	startswith(dependency.uri, "git+")
	commit := commit_of("", dependency)
	place := {
		"kind": "git",
		"repository": data.lib.slsa.normal_url(dependency.uri),
		"tag": "",
		"path": "",
		"ref": commit,
		"pinned": commit != "",
		"text": sprintf("%s@%s", [dependency.uri, commit]),
	}
} else := place if {
	digest := sprintf("sha256:%s", [dependency.digest.sha256])
	is_digest(digest)
	place := bundle(sprintf("%s@%s", [dependency.uri, digest]), {})
} else := nowhere

# The value of a resolver's parameter. Undefined when it is absent.
parameter(reference, name) := value if {
	list := reference.params
	is_array(list)
	values := [param.value | some param in list; param.name == name; is_string(param.value)]
	value := values[0]
}

bundle_text(reference) := text if {
	reference.resolver == "bundles"
	text := parameter(reference, "bundle")
} else := text if {
	text := reference.bundle
	is_string(text)
	text != ""
}

bundle(text, origin) := place if {
	plain := trim_prefix(text, "oci://")
	parts := split(plain, "@")
	tag := tag_of(parts[0])
	written := second(parts)
	place := {
		"kind": "bundle",
		"repository": trim_suffix(parts[0], sprintf(":%s", [tag])),
		"tag": tag,
		"path": "",
		"ref": digest_of(written, origin),
		"pinned": is_pinned(written),
		"text": plain,
	}
}

second(parts) := parts[1] if {
	count(parts) == 2
} else := ""

# A colon before the last slash belongs to the port of the registry.
tag_of(name) := tag if {
	segments := split(name, "/")
	last := segments[count(segments) - 1]
	colon := indexof(last, ":")
	colon >= 0
	tag := substring(last, colon + 1, -1)
} else := ""

# The digest as written, else as resolved.
digest_of(written, origin) := written if {
	is_digest(written)
} else := digest if {
	digest := sprintf("sha256:%s", [origin.digest.sha256])
	is_digest(digest)
} else := ""

git(reference, origin) := place if {
	url := git_url(reference, origin)
	path := git_path(reference, origin)
	revision := revision_of(reference)
	place := {
		"kind": "git",
		"repository": url,
		"tag": "",
		"path": path,
		"ref": commit_of(revision, origin),
		"pinned": is_pinned(revision),
		"text": sprintf("%s//%s@%s", [url, path, revision]),
	}
}

git_url(reference, origin) := data.lib.slsa.normal_url(url) if {
	url := origin.uri
} else := data.lib.slsa.normal_url(url) if {
	url := parameter(reference, "url")
} else := ""

git_path(reference, origin) := path if {
	path := origin.entryPoint
} else := path if {
	path := parameter(reference, "pathInRepo")
} else := ""

revision_of(reference) := revision if {
	revision := parameter(reference, "revision")
} else := ""

# The commit as resolved, else as written.
commit_of(revision, origin) := commit if {
	commit := origin.digest.sha1
	is_commit(commit)
} else := revision if {
	is_commit(revision)
} else := ""

# Whether what is written in a reference is a digest or a commit.
is_pinned(written) if {
	is_digest(written)
} else if {
	is_commit(written)
} else := false

is_digest(text) if regex.match(`^sha256:[0-9a-f]{64}$`, text)

is_commit(text) if regex.match(`^[0-9a-f]{40}$`, text)
