"""What model providers call messages, to ours and back, without their SDKs."""
