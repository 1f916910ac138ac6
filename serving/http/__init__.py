"""What every HTTP service needs: errors, request checks, admission, the server."""
