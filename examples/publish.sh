#!/bin/sh
# Publish a job with curl, through RabbitMQ's management API: for scripts, and for trying things out.
#
# POSTROOM_MANAGEMENT_URL=http://user:password@host:15672 sh publish.sh
set -eu
url=${POSTROOM_MANAGEMENT_URL:-http://guest:guest@127.0.0.1:15672}
vhost=${VIRTUAL_HOST:-%2F} # as it stands in a URL: %2F is /

curl --fail --silent --show-error "$url/api/exchanges/$vhost/jobs/publish" --header 'content-type: application/json' --data '{
  "routing_key": "email.send",
  "properties": {"content_type": "application/json", "delivery_mode": 2, "message_id": "curl-'"$(date +%s)-$$"'"},
  "payload_encoding": "string",
  "payload": "{\"to\": \"ada@example.com\", \"subject\": \"Hello from curl\", \"body\": \"Hi Ada\"}"
}'
echo
