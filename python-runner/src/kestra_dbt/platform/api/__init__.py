"""The platform's API: its address, its calls, what it tells, and what goes wrong on the way."""
