#!/bin/sh
# Starts the gate with the password of MODERATOR_GATE_PASSWORD, or with a new one, which it prints.
set -eu
password=${MODERATOR_GATE_PASSWORD:-}
if [ -z "$password" ]; then
    password=$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')
    echo "sign in to the console at http://127.0.0.1:6067 as moderator, password $password"
fi
if [ "${#password}" -lt 12 ]; then
    echo "MODERATOR_GATE_PASSWORD needs 12 characters" >&2
    exit 1
fi
GATE_PASSWORD_HASH=$(printf '%s\n' "$password" | caddy hash-password)
export GATE_PASSWORD_HASH
unset MODERATOR_GATE_PASSWORD password
exec caddy run --adapter caddyfile --config "${0%/*}/Caddyfile"
