"""The page of a run, report.html: one file, which needs nothing but a browser."""
