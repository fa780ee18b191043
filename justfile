# Short names for what one does here. `just` lists them.

# The distribution's OpenSSL in place of one built from source (package libssl-dev).
export OPENSSL_NO_VENDOR := "1"
export OPENSSL_STATIC := "1"

_default:
    @just --list

# Compiles, nothing more
check:
    cargo check --all-targets

# All tests, or those whose name contains a word
test *words:
    cargo test {{ words }}

# Formatting and lints as CI wants them
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Puts the formatting right
format:
    cargo fmt

# Everything that CI runs
ci:
    .ci/run

# The program as it is given away: static, stripped
release:
    env -u OPENSSL_NO_VENDOR -u OPENSSL_STATIC cargo build --release

# Accepts changed snapshots, one by one
snapshots:
    cargo insta review

# The options of a module
doc module:
    cargo run --quiet -- doc {{ module }}
