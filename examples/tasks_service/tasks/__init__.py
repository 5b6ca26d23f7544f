"""Tasks, and the chats about them."""
