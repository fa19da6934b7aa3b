curl -s https://orders.example/orders -H "Authorization: Bearer $ACCESS_TOKEN"
