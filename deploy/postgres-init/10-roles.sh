#!/bin/bash
# One role and one schema per service, and nothing across them. The services' own database URLs say which role, password
# and database. PostgreSQL's image runs this at the first start; after a password was changed in .env, or a service was
# added, run it again by hand (docs/operations.md). Repeatable. The image may source this file: hence the subshell.
(
  set -euo pipefail

  decode() { printf '%b' "${1//%/\\x}"; }

  # postgresql://role:password@host:port/database
  ensure_role() {
    local rest=${1#*://} who
    who=${rest%%@*}
    export HUYING_ROLE HUYING_ROLE_PASSWORD HUYING_DATABASE
    HUYING_ROLE=$(decode "${who%%:*}")
    HUYING_ROLE_PASSWORD=$(decode "${who#*:}")
    HUYING_DATABASE=${rest##*/}
    HUYING_DATABASE=${HUYING_DATABASE%%\?*}
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "$HUYING_DATABASE" <<'SQL'
\getenv role HUYING_ROLE
\getenv password HUYING_ROLE_PASSWORD
\getenv database HUYING_DATABASE
SET client_min_messages = warning;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT format('CREATE ROLE %I NOINHERIT', :'role')
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
ALTER ROLE :"role" IN DATABASE :"database" SET search_path = :"role";
GRANT CONNECT ON DATABASE :"database" TO :"role";
CREATE SCHEMA IF NOT EXISTS :"role" AUTHORIZATION :"role";
SQL
  }

  for url in "$INTAKE_DATABASE_URL" "$ROUTER_DATABASE_URL" "$SLA_DATABASE_URL" "$FEEDBACK_DATABASE_URL"; do
    ensure_role "$url"
  done
)
