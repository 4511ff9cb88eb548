"""The guide for the team, and who read which version of it when."""
