# shellcheck shell=bash
# shellcheck disable=SC2034 # Its variables are those of postgres.sh.
#
# Finding PostgreSQL's programs, and installing them where they are missing; a part of postgres.sh.

# Prints "major minor" for a folder that has the programs, and fails for any other.
postgres_version_in() {
    local program text
    for program in initdb pg_ctl postgres; do
        [ -x "$1/$program" ] || return 1
    done
    text=$(LC_ALL=C "$1/postgres" --version 2>/dev/null) || return 1
    [[ $text =~ ([0-9]+)(\.([0-9]+))? ]] || return 1
    printf '%s %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]:-0}"
}

# Prints the path of a client program: next to the server's, else from PATH.
postgres_program() {
    if [ -x "$POSTGRES_BIN/$1" ]; then
        printf '%s\n' "$POSTGRES_BIN/$1"
    else
        command -v "$1"
    fi
}

# Whether the folder can be used: postgres_usable FOLDER MAJOR CLIENT.., MAJOR empty for any.
postgres_usable() {
    local folder=$1 wanted=$2 version major minor program
    shift 2
    version=$(postgres_version_in "$folder") || return 1
    major=${version% *} minor=${version#* }
    [ -z "$wanted" ] || [ "$major" -eq "$wanted" ] || return 1
    [ "$major" -gt "$POSTGRES_LEAST_MAJOR" ] ||
        { [ "$major" -eq "$POSTGRES_LEAST_MAJOR" ] && [ "$minor" -ge "$POSTGRES_LEAST_MINOR" ]; } ||
        return 1
    for program in "$@"; do
        [ -x "$folder/$program" ] || command -v "$program" >/dev/null || return 1
    done
}

# Sets POSTGRES_BIN: postgres_find MAJOR CLIENT..
# What is on the PATH was chosen by somebody and comes first; among the folders in which
# packages put the programs the newest version wins.
postgres_find() {
    local folder version number best=0
    POSTGRES_BIN=
    if folder=$(command -v initdb); then
        folder=$(dirname "$folder")
        if postgres_usable "$folder" "$@"; then POSTGRES_BIN=$folder; return 0; fi
    fi
    if folder=$(pg_config --bindir 2>/dev/null); then
        if postgres_usable "$folder" "$@"; then POSTGRES_BIN=$folder; return 0; fi
    fi
    for folder in \
        /usr/bin \
        /usr/lib/postgresql/*/bin \
        /usr/lib/postgresql*/bin \
        /usr/libexec/postgresql* \
        /usr/pgsql-*/bin \
        /usr/local/pgsql/bin \
        /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin \
        /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin; do
        postgres_usable "$folder" "$@" || continue
        version=$(postgres_version_in "$folder")
        number=$((${version% *} * 1000 + ${version#* }))
        if [ "$number" -gt "$best" ]; then best=$number POSTGRES_BIN=$folder; fi
    done
    [ -n "$POSTGRES_BIN" ]
}

# Runs a package manager's command as root.
postgres_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

postgres_can_be_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

postgres_install_with_apt() {
    local folder=/etc/postgresql-common/createcluster.d status=0
    local file=$folder/es-no-main-cluster.conf
    local get=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
    # One unreachable source among several makes `update` fail; the package may still be had.
    postgres_as_root "${get[@]}" update || postgres_say "apt-get update failed; trying to install nevertheless"
    # Debian's package makes a cluster and starts it. Nobody asked for one, so that is turned
    # off, for this installation only.
    postgres_as_root "${get[@]}" install -y --no-install-recommends postgresql-common || return 1
    postgres_as_root mkdir -p "$folder"
    printf 'create_main_cluster = false\n' | postgres_as_root tee "$file" >/dev/null
    postgres_as_root "${get[@]}" install -y --no-install-recommends postgresql postgresql-client || status=1
    postgres_as_root rm -f "$file"
    return "$status"
}

postgres_install() {
    if command -v brew >/dev/null && [ "$(id -u)" -ne 0 ]; then
        postgres_say "installing PostgreSQL with brew"
        brew install postgresql@17
        return
    fi
    postgres_can_be_root || return 1
    if command -v apt-get >/dev/null; then
        postgres_say "installing PostgreSQL with apt-get"
        postgres_install_with_apt
    elif command -v dnf >/dev/null; then
        postgres_say "installing PostgreSQL with dnf"
        postgres_as_root dnf install -y postgresql-server postgresql postgresql-contrib
    elif command -v apk >/dev/null; then
        postgres_say "installing PostgreSQL with apk"
        postgres_as_root apk add --no-cache postgresql postgresql-client postgresql-contrib
    elif command -v pacman >/dev/null; then
        postgres_say "installing PostgreSQL with pacman"
        postgres_as_root pacman -Sy --needed --noconfirm postgresql
    else
        return 1
    fi
}

postgres_say_how_to_install() {
    local wanted=$1
    shift
    if [ -n "$wanted" ]; then
        postgres_say "PostgreSQL $wanted is needed, because the data in this folder was written by it."
    else
        postgres_say "PostgreSQL $POSTGRES_LEAST_MAJOR.$POSTGRES_LEAST_MINOR or later is needed, with its server programs" \
            "(initdb, pg_ctl, postgres${*:+, $*}), and could not be installed from here."
    fi
    cat >&2 <<END
Install it as root:
  Debian, Ubuntu    apt-get update && apt-get install postgresql${wanted:+-$wanted}
  Fedora, RHEL      dnf install postgresql-server postgresql-contrib
                    (before it, where that is too old: dnf module enable postgresql:${wanted:-16})
  Alpine            apk add postgresql${wanted} postgresql${wanted}-client postgresql${wanted}-contrib
  Arch              pacman -S postgresql
  macOS             brew install postgresql@${wanted:-17}      (not as root)
or set DATABASE_URL to a PostgreSQL server that you run.
END
}

# postgres_require CLIENT..: sets POSTGRES_BIN, installing what is missing, or ends the script.
postgres_require() {
    postgres_find "" "$@" && return
    # A package manager talks a lot, and standard output belongs to the command that is run.
    postgres_install >&2 </dev/null || true
    hash -r
    postgres_find "" "$@" && return
    postgres_say_how_to_install "" "$@"
    exit 1
}
