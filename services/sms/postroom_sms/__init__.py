"""The SMS service: text messages and one-time codes to phones, through gateways that fail in their own ways."""
