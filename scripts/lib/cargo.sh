# shellcheck shell=bash
#
# Finding cargo, and the workspace's toolchain; sourced, not run. Uses `postgres_say`, and `root`, the workspace's folder.

# rustup puts cargo into a folder of its own, and tells only shells that are started afterwards.
cargo_require() {
    command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    if ! command -v cargo >/dev/null; then
        postgres_say "cargo is not installed; install Rust with rustup (rustup.rs) and run this again"
        exit 1
    fi
}

# rustup looks for the toolchain from the current folder, and would not find the workspace's from elsewhere.
cargo_pin_toolchain() {
    if [ -z "${RUSTUP_TOOLCHAIN:-}" ]; then
        # shellcheck disable=SC2154 # Set by the script that sources this.
        RUSTUP_TOOLCHAIN=$(sed -n 's/^channel *= *"\(.*\)".*/\1/p' "$root/rust-toolchain.toml")
        export RUSTUP_TOOLCHAIN
    fi
}
