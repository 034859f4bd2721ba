# METADATA
# title: Registries
# description: Compares images with lists of registries, folders, repositories and whole images.
package lib.registry

# Whether one of the prefixes allows the image. A prefix ends where a part of the reference ends: `example.com` does not
# allow `example.com.evil.net`.
allows(prefixes, image) if {
	some prefix in prefixes
	whole := trim_suffix(prefix, "/")
	some separator in ["/", ":", "@"]
	startswith(image, sprintf("%s%s", [whole, separator]))
}

allows(prefixes, image) if image in prefixes
