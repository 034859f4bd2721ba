# METADATA
# title: Registries
# description: Matches images against lists of registries, namespaces, repositories and images.
package lib.registry

# Whether one of the prefixes allows the image. A prefix matches whole parts of the reference: `example.com` does not allow
# `example.com.evil.net`.
allows(prefixes, image) if {
	some prefix in prefixes
	whole := trim_suffix(prefix, "/")
	some separator in ["/", ":", "@"]
	startswith(image, sprintf("%s%s", [whole, separator]))
}

allows(prefixes, image) if image in prefixes
