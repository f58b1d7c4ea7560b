"""The front door: HTTP routes, sign-in and live streams."""
