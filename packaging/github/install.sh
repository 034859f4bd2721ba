#!/usr/bin/env bash
# Installs the program of an archive that `cargo xtask dist` wrote, after its checksum was compared.
set -euo pipefail
if [ -z "${ARCHIVE_SHA256:-}" ]; then
  echo "::error::archive-sha256 is required with archive"
  exit 2
fi
folder="$RUNNER_TEMP/assay"
mkdir -p "$folder"
case "$ARCHIVE" in
  https://*) curl --fail --silent --show-error --location --proto '=https' --output "$folder/archive.tar.gz" "$ARCHIVE" ;;
  *) cp "$ARCHIVE" "$folder/archive.tar.gz" ;;
esac
echo "$ARCHIVE_SHA256  $folder/archive.tar.gz" | sha256sum --check --quiet
tar --extract --gzip --file "$folder/archive.tar.gz" --directory "$folder" --strip-components 1
echo "$folder/bin" >> "$GITHUB_PATH"
