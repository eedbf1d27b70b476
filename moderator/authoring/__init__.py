"""The tools of those who write policies: test, check, calibrate, compare, explain, document."""
