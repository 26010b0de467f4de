#!/bin/sh
# Usage: deploy.sh dev|test|int|prod user@machine image.tar.gz
# KEY is a private key, HOSTS the machine's lines of known_hosts, SECRETS the lines of its secrets file.
set -eu
where=$1 target=$2 image=$3
[ -n "$target" ] || { echo "deploy: no machine is set for $where (variable DEPLOY_TARGET)" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
printf '%s\n' "$KEY" > "$work/key"
printf '%s\n' "$HOSTS" > "$work/hosts"
printf '%s\n' "$SECRETS" > "$work/secrets.env"
remote() { ssh -i "$work/key" -o UserKnownHostsFile="$work/hosts" -o StrictHostKeyChecking=yes "$target" "$@"; }
remote "mkdir -p -m 700 afterbay/deploy afterbay/examples"
tar -cf - compose.yaml deploy examples/fleet.yaml | remote "tar -xf - -C afterbay"
remote "umask 077; cat > afterbay/deploy/.secrets.env" < "$work/secrets.env"
remote "docker load" < "$image"
remote "docker tag afterbay:test afterbay:$where"
remote "cd afterbay && docker compose --env-file deploy/$where.env --env-file deploy/.secrets.env up -d --no-build --wait --wait-timeout 180"
remote "cd afterbay && docker compose --env-file deploy/$where.env --env-file deploy/.secrets.env exec -T server afterbay doctor"
