"""What changed, as events on the EventBridge bus."""
