curl -s {{endpoint}}/oauth2/token \
  -u "{{client_id}}:$CLIENT_SECRET" \
  -d grant_type=client_credentials \
  -d resource=https://orders.example \
  -d scope=orders:read
