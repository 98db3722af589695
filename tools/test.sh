#!/usr/bin/env bash
# Every check there is: format, lints, all tests on SQLite and PostgreSQL, journeys in a browser.
# Without PostgreSQL, a mail server or Chromium the tests that need them say so and are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never} RUSTFLAGS=${RUSTFLAGS:-}

say() { printf '\n== %s\n' "$*"; }

say "Format"
cargo fmt --all -- --check

say "Lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "Tests"
# The binary first: tests that start a real server start this one.
cargo build --locked -p vitrine
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked --no-fail-fast
  cargo test --workspace --locked --doc
else
  cargo test --workspace --locked --no-fail-fast
fi

say "Vendored files"
tools/vendor.sh --check

say "Bill of materials"
tools/sbom.py --check

if cargo deny --version >/dev/null 2>&1; then
  say "Licences, bans and sources"
  # Those of other systems, too, which no build here asked for.
  cargo fetch --locked
  cargo deny --offline check bans licenses sources
fi
if [ -n "${ADVISORY_DB:-}" ] && cargo audit --version >/dev/null 2>&1; then
  say "Known holes"
  cargo audit --db "$ADVISORY_DB" --no-fetch --stale
fi
