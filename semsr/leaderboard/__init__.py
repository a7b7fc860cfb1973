"""The leaderboard: a static site out of tables, scores and pictures."""
