"""Attachments: untrusted URLs to bytes, untrusted bytes to pixels."""
