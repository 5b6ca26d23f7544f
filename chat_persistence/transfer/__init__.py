"""Moving conversations in from elsewhere and out to elsewhere."""
