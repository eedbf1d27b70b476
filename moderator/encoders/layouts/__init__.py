"""The layouts in which encoders are published, each read as it is: one module a layout.

A module has `find(folder, card, variant)`, which returns what the files say, or None where the
folder is not of its layout. No graph is loaded here.
"""
