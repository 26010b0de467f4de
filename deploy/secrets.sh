#!/bin/sh
# Prints new secrets for an environment of its own. Keep the output out of version control; in INT and PROD the
# values come from the secret store instead.
set -eu
random() { head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n'; }
echo "POSTGRES_PASSWORD=$(random)"
echo "AFTERBAY_SECRET_KEY=$(random)"
echo "AFTERBAY_FLEET_TOKENS=operator:$(random)"
