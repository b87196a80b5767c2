#!/bin/bash
# Makes the secrets that compose.yaml mounts, in docker/secrets (or the folder named); what is there already stays.
#
# Compose mounts the files as they are, and the services read them each as a user of its own: the files are readable by all,
# the folder, which is not mounted, by its owner alone.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { # BYTES: in hexadecimal
	od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

keep() { # NAME VALUE
	[ -s "$1" ] && return
	printf '%s' "$2" >"$1.new"
	chmod 644 "$1.new"
	mv "$1.new" "$1"
}

keep database_password "$(random 24)"
keep database_url "postgresql://plumbline:$(cat database_password)@database/plumbline"
keep secret_key "$(random 32)"
keep grafana_password "$(random 16)"
