"""What administrators see and change: users, grants, sessions, the trail."""
