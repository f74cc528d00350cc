#!/bin/sh
# A backup of the running node into DIRECTORY, and those that are older than some days removed:
#   backup.sh [--every SECONDS] [--keep-days N] DIRECTORY
# With --every it goes on until it is stopped. UNDERSEAL_HOME names the home of the node.
set -eu

every=
keep_days=14
while [ $# -gt 1 ]; do
    case "$1" in
        --every) every=$2 ;;
        --keep-days) keep_days=$2 ;;
        *) echo "backup.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
[ $# -eq 1 ] || { echo "usage: backup.sh [--every SECONDS] [--keep-days N] DIRECTORY" >&2; exit 2; }
directory=$1

# Only after a backup that has worked: the last good one is never removed.
back_up() {
    underseal backup "$directory/$(date -u +%Y%m%dT%H%M%SZ).backup" &&
        find "$directory" -maxdepth 1 -name '*.backup' -mtime "+$keep_days" -exec rm -f {} +
}

if [ -z "$every" ]; then
    back_up
    exit
fi
trap 'exit 0' TERM INT
while :; do
    back_up || echo "backup.sh: no backup was made; trying again in $every seconds" >&2
    sleep "$every" &
    wait $!
done
