#!/usr/bin/env bash
# Fetches the third-party files that the default theme serves, at the versions pinned in vendor/npm.lock.toml.
#
#   tools/vendor.sh          fetch, check every tarball against its sha512, unpack, build the icon sprite
#   tools/vendor.sh --check  only re-hash the committed files against the lock (no network, no npm)
#
# Run by hand when a version changes; its results are committed. The build and the shop never need Node or npm.
# To change a version: edit `version` and `integrity` in the lock, empty the `sha256` values of that package, run this.
# To add an icon: add its name to vendor/icons.txt and run this.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=vendor/npm.lock.toml
assets=themes/default/assets

# Prints "package version integrity" for every [[package]] of the lock.
packages() {
  awk -F' = ' '
    function bare(s) { gsub(/^"|"$/, "", s); return s }
    $1 == "name" { name = bare($2) } $1 == "version" { version = bare($2) }
    $1 == "integrity" { print name, version, bare($2) }' "$lock"
}

# Prints "package path-in-package path-in-repository sha256" for every file of the lock.
files() {
  sed -nE -e 's/^name = "(.*)"/N \1/p' \
    -e 's/^ *\{ from = "(.*)", to = "(.*)", sha256 = "(.*)" \},?$/F \1 \2 \3/p' "$lock" |
    awk '$1 == "N" { name = $2 } $1 == "F" { print name, $2, $3, $4 }'
}

check() {
  local bad=0
  while read -r package _ to sha; do
    if [ "$(sha256sum "$to" 2>/dev/null | cut -d' ' -f1)" != "$sha" ]; then
      echo "vendor: $to is not the file of $package that $lock names; run tools/vendor.sh, or put the file back" >&2
      bad=1
    fi
  done < <(files)
  return $bad
}

# One <symbol> per icon: pages draw it with <use href="…/icons.svg#name">.
sprite() {
  local dir=$1 name
  echo '<svg xmlns="http://www.w3.org/2000/svg">'
  while read -r name; do
    [ -n "$name" ] || continue
    [ -f "$dir/icons/$name.svg" ] || { echo "vendor: lucide-static has no icon called '$name' (vendor/icons.txt)" >&2; return 1; }
    printf '<symbol id="%s" viewBox="0 0 24 24">' "$name"
    sed -nE 's/^ +(<(path|circle|rect|line|polyline|polygon|ellipse) .*) \/>$/\1\/>/p' "$dir/icons/$name.svg" | tr -d '\n'
    echo '</symbol>'
  done < vendor/icons.txt
  echo '</svg>'
}

if [ "${1:-}" = --check ]; then check; exit; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while read -r package version integrity; do
  tarball=$(cd "$work" && npm pack --silent "$package@$version")
  got="sha512-$(openssl dgst -sha512 -binary "$work/$tarball" | base64 -w0)"
  if [ "$got" != "$integrity" ]; then
    echo "vendor: $package@$version is not what $lock pins" >&2
    echo "  pinned  $integrity" >&2
    echo "  fetched $got" >&2
    exit 1
  fi
  mkdir -p "$work/$package"
  tar xzf "$work/$tarball" -C "$work/$package" --strip-components=1
done < <(packages)

while read -r package from to _; do
  mkdir -p "$(dirname "$to")"
  if [ "$from" = sprite ]; then sprite "$work/$package" > "$to"; else install -m 644 "$work/$package/$from" "$to"; fi
  sha=$(sha256sum "$to" | cut -d' ' -f1)
  sed -i -E "s|(to = \"$to\", sha256 = \")[^\"]*|\1$sha|" "$lock"
done < <(files | sed 's/  */ /g')
check && echo "vendor: all files are as $lock says"
