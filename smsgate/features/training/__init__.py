"""The guide for the team, the questions about it, and who passed which version of it when."""
