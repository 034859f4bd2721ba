# METADATA
# title: Task references
# description: >-
#   Parses where the definition of a Tekton task comes from. A source has `kind` (`bundle`, `git` or `none`), `repository`,
#   `tag` (of bundles), `path` (in git), `ref` (the digest or commit, empty if unknown), `pinned` (whether the reference
#   itself contains the digest or commit) and `text` for messages.
package lib.reference

embedded := {
	"kind": "none",
	"repository": "",
	"tag": "",
	"path": "",
	"ref": "",
	"pinned": false,
	"text": "an embedded definition",
}

# The source that a task reference names. `origin` is what Tekton resolved it to: `uri`, `digest` and `entryPoint`.
source(reference, origin) := bundle(text, origin) if {
	text := bundle_text(reference)
} else := git(reference, origin) if {
	reference.resolver == "git"
} else := embedded

# The source according to a resolved dependency alone.
resolved(dependency) := found if {
	startswith(dependency.uri, "git+")
	commit := commit_of("", dependency)
	found := {
		"kind": "git",
		"repository": data.lib.slsa.normalized_url(dependency.uri),
		"tag": "",
		"path": "",
		"ref": commit,
		"pinned": commit != "",
		"text": sprintf("%s@%s", [dependency.uri, commit]),
	}
} else := found if {
	digest := sprintf("sha256:%s", [dependency.digest.sha256])
	is_digest(digest)
	found := bundle(sprintf("%s@%s", [dependency.uri, digest]), {})
} else := embedded

# The value of a resolver parameter. Undefined if absent.
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

bundle(text, origin) := found if {
	plain := trim_prefix(text, "oci://")
	parts := split(plain, "@")
	tag := tag_of(parts[0])
	written := second(parts)
	found := {
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

# The digest as written, otherwise as resolved.
digest_of(written, origin) := written if {
	is_digest(written)
} else := digest if {
	digest := sprintf("sha256:%s", [origin.digest.sha256])
	is_digest(digest)
} else := ""

git(reference, origin) := found if {
	url := git_url(reference, origin)
	path := git_path(reference, origin)
	revision := revision_of(reference)
	found := {
		"kind": "git",
		"repository": url,
		"tag": "",
		"path": path,
		"ref": commit_of(revision, origin),
		"pinned": is_pinned(revision),
		"text": sprintf("%s//%s@%s", [url, path, revision]),
	}
}

git_url(reference, origin) := data.lib.slsa.normalized_url(url) if {
	url := origin.uri
} else := data.lib.slsa.normalized_url(url) if {
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

# The commit as resolved, otherwise as written.
commit_of(revision, origin) := commit if {
	commit := origin.digest.sha1
	is_commit(commit)
} else := revision if {
	is_commit(revision)
} else := ""

# Whether a reference contains a digest or a commit.
is_pinned(written) if {
	is_digest(written)
} else if {
	is_commit(written)
} else := false

is_digest(text) if regex.match(`^sha256:[0-9a-f]{64}$`, text)

is_commit(text) if regex.match(`^[0-9a-f]{40}$`, text)
